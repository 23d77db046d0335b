//! `cargo xtask image`: from this checkout to `target/slipway/<board>/slipway-<board>.img`, in steps that run only when
//! their inputs changed.

mod base_root;
mod boot_parts;
mod container;
mod disk;
mod firmware;
mod initramfs;
mod kernel;
mod overlay;
mod root;
mod u_boot;

use crate::board::Board;
use crate::context::Context;
use crate::host::{self, Mirror};
use crate::sh;
use crate::step::{Inputs, Plan};
use crate::tools::{self, Tools};
use anyhow::{Context as _, Result};
use disk_image::layout::Layout;
use std::path::PathBuf;

/// Options of `cargo xtask image`, and of the commands that build an image first.
#[derive(clap::Args, Clone)]
pub(crate) struct ImageArgs {
    /// The board, a file of image/boards.
    #[arg(long, default_value = "rock64")]
    pub(crate) board: String,
    /// The Debian mirror to take packages from. Default: this machine's own when it runs Debian, else mmdebstrap's.
    #[arg(long, value_name = "URL")]
    pub(crate) mirror: Option<String>,
    /// Fetch the newest packages, even if those of the last build are at hand.
    #[arg(long)]
    pub(crate) refresh: bool,
}

impl Default for ImageArgs {
    fn default() -> ImageArgs {
        ImageArgs { board: "rock64".to_owned(), mirror: None, refresh: false }
    }
}

/// What a build made. Everything beside the image is also of use alone: tests take slots apart, QEMU wants its U-Boot.
pub(crate) struct Built {
    pub(crate) board: Board,
    pub(crate) layout: Layout,
    pub(crate) tools: Tools,
    /// The disk image, sparse.
    pub(crate) image: PathBuf,
    /// One line per package: name, version, architecture, size in KiB.
    pub(crate) manifest: PathBuf,
    /// The board's root file system.
    pub(crate) squashfs: PathBuf,
    /// The initramfs that both slots carry.
    pub(crate) initramfs: PathBuf,
    /// U-Boot for QEMU.
    pub(crate) qemu_u_boot: PathBuf,
    /// The PID 1 of test slots.
    pub(crate) guest_init: PathBuf,
    /// A container image for tests and the example, as a docker archive.
    pub(crate) hello: PathBuf,
    /// The same as an OCI archive.
    pub(crate) hello_oci: PathBuf,
    pub(crate) build_id: String,
}

/// What every step gets: where things are and what is being built.
struct Build<'a> {
    context: &'a Context,
    board: Board,
    layout: Layout,
    tools: Tools,
    /// `target/slipway/<board>`.
    out: PathBuf,
    /// Seconds since 1970 that every file of the image carries: when its sources last changed.
    epoch: u64,
}

impl Build<'_> {
    fn log(&self, step: &str) -> PathBuf {
        self.context.log_path(step)
    }
}

/// Builds and says where the result is.
pub(crate) fn run(context: &Context, args: &ImageArgs) -> Result<()> {
    let built = build(context, args)?;
    println!("{}", built.image.display());
    println!("build {}; packages in {}", built.build_id, built.manifest.display());
    Ok(())
}

/// Builds what is not up to date.
pub(crate) fn build(context: &Context, args: &ImageArgs) -> Result<Built> {
    let board = Board::load(context, &args.board)?;
    let layout_path = context.path("image/layout.toml");
    let layout_text = std::fs::read_to_string(&layout_path)
        .with_context(|| format!("cannot read {}", layout_path.display()))?;
    let layout =
        Layout::parse(&layout_text).with_context(|| format!("cannot use {}", layout_path.display()))?;
    host::ensure_space(context, !tools::tree_path(context).exists())?;

    let mut plan = Plan::new(10);
    let tools = Tools::ensure(context, &Mirror::choose(args.mirror.as_deref()), &mut plan)?;
    let out = context.out.join(&board.name);
    std::fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
    let build = Build { epoch: source_epoch(context), board, layout, tools, out, context };
    let age = package_age(context, args.refresh)?;

    let base = base_root::step(&mut plan, &build, &age)?;
    let kernel = kernel::step(&mut plan, &build, &age)?;
    let u_boot = u_boot::step(&mut plan, &build)?;
    let firmware = firmware::step(&mut plan, &build)?;
    let root = root::step(&mut plan, &build, &base, &kernel, &firmware)?;
    let initramfs = initramfs::step(&mut plan, &build, &kernel, &firmware)?;
    let parts = boot_parts::step(&mut plan, &build, &root, &kernel, &initramfs)?;
    let image = disk::step(&mut plan, &build, &root, &parts, &u_boot)?;
    let hello = container::step(&mut plan, &build, &firmware)?;
    Ok(Built {
        image,
        manifest: root.manifest,
        squashfs: root.squashfs,
        initramfs: initramfs.file,
        qemu_u_boot: u_boot.qemu,
        guest_init: firmware.guest_init,
        hello: hello.docker,
        hello_oci: hello.oci,
        build_id: root.build_id,
        board: build.board,
        layout: build.layout,
        tools: build.tools,
    })
}

/// When the sources of the image last changed: the newest commit that touched them. Without git (a source archive), the
/// first day of the year the layout was fixed.
fn source_epoch(context: &Context) -> u64 {
    const WITHOUT_GIT: u64 = 1_767_225_600;
    let mut git = sh::command("git");
    git.arg("-C").arg(&context.root).args(["log", "-1", "--format=%ct", "--"]);
    git.args(["image", "buildroot-overlay", "firmware", "Cargo.lock", "Cargo.toml"]);
    sh::output(&mut git).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(WITHOUT_GIT)
}

/// The moment the packages are of: fixed at the first build and moved by `--refresh`, so that a rebuild stays offline.
fn package_age(context: &Context, refresh: bool) -> Result<String> {
    let path = context.cache.join("packages-of");
    if refresh || !path.exists() {
        let now =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
        std::fs::write(&path, now.to_string()).with_context(|| format!("cannot write {}", path.display()))?;
    }
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// The inputs that every step inside the tools tree has.
fn step_inputs(build: &Build<'_>, recipe: &str) -> Inputs {
    Inputs::default().value("tools tree", &build.tools.stamp).value("recipe", recipe)
}
