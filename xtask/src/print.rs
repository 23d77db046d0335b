//! `cargo xtask print`: what the build knows, for people and (`--json`) for programs.

use crate::board::Board;
use crate::context::Context;
use anyhow::{Context as _, Result, bail};
use disk_image::layout::Layout;

/// What to print.
#[derive(clap::Args)]
pub(crate) struct PrintArgs {
    /// `layout`: the disk's partitions. `board`: the board with everything it inherits. `packages`: of the last image.
    what: What,
    /// The board, a file of image/boards.
    #[arg(long, default_value = "rock64")]
    board: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum What {
    Layout,
    Board,
    Packages,
}

/// Prints it.
pub(crate) fn run(context: &Context, args: &PrintArgs) -> Result<()> {
    let text = match args.what {
        What::Layout => layout(context, args.json)?,
        What::Board => {
            let board = Board::load(context, &args.board)?;
            if args.json {
                board.canonical()?
            } else {
                toml::to_string_pretty(&board).context("cannot write the board as TOML")?
            }
        }
        What::Packages => packages(context, &args.board, args.json)?,
    };
    println!("{}", text.trim_end());
    Ok(())
}

fn layout(context: &Context, json: bool) -> Result<String> {
    let path = context.path("image/layout.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let layout = Layout::parse(&text).with_context(|| format!("cannot use {}", path.display()))?;
    let rows: Vec<_> = layout
        .partitions()
        .iter()
        .map(|part| (part.name(), part.first_lba(), part.sectors(), part.bytes()))
        .collect();
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(name, first, sectors, bytes)| {
                serde_json::json!({"name": name, "first_lba": first, "sectors": sectors, "bytes": bytes})
            })
            .collect();
        return serde_json::to_string_pretty(&rows).context("cannot write the layout as JSON");
    }
    let mut text = format!("{:<10} {:>10} {:>10} {:>9}\n", "name", "first LBA", "sectors", "MiB");
    for (name, first, sectors, bytes) in rows {
        text.push_str(&format!(
            "{name:<10} {first:>10} {sectors:>10} {:>9.1}\n",
            bytes as f64 / f64::from(1 << 20)
        ));
    }
    text.push_str("data       the rest of the disk, made at the first boot\n");
    Ok(text)
}

fn packages(context: &Context, board: &str, json: bool) -> Result<String> {
    let path = context.out.join(board).join("packages.tsv");
    if !path.exists() {
        bail!("there is no image of {board} yet. `cargo xtask image --board {board}` builds it");
    }
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    if !json {
        return Ok(text);
    }
    let rows: Vec<_> = text
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('\t');
            Some(serde_json::json!({
                "name": fields.next()?, "version": fields.next()?, "architecture": fields.next()?,
                "installed_kib": fields.next()?.parse::<u64>().ok()?,
            }))
        })
        .collect();
    serde_json::to_string_pretty(&rows).context("cannot write the packages as JSON")
}
