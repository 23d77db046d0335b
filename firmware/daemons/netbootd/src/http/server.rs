//! The accept loop: as many connections as we can afford, none for longer than it is used.

use std::convert::Infallible;
use std::net::{SocketAddr, SocketAddrV4, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::boot_root::BootRoot;
use crate::shared::Shared;
use crate::tftp::Door;
use crate::trace::Direction;

use super::respond::respond;

/// Connections at a time. A site boots by hundreds, and each costs a chunk of a file.
const MOST_CONNECTIONS: usize = 512;
/// How long a client may take for the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a connection may stay without a byte of progress; a ROM checks signatures between two files.
const IDLE_TIME: Duration = Duration::from_secs(60);
/// The largest head of a request.
const MOST_HEAD: usize = 16 << 10;

/// All of HTTP boot.
pub(crate) struct Server {
    doors: Vec<(Door, TcpListener)>,
    shared: Arc<Shared>,
    root: Option<Arc<BootRoot>>,
}

impl Server {
    /// Opens the doors.
    pub(crate) fn open(
        doors: Vec<Door>,
        shared: Arc<Shared>,
        root: Option<Arc<BootRoot>>,
    ) -> anyhow::Result<Server> {
        let open = |door: Door| -> anyhow::Result<(Door, TcpListener)> {
            let listener = listen(&door).with_context(|| {
                format!("cannot open TCP port {} of {} on {}", door.port, door.address, door.interface)
            })?;
            Ok((door, listener))
        };
        Ok(Server { doors: doors.into_iter().map(open).collect::<anyhow::Result<_>>()?, shared, root })
    }

    /// Serves until something breaks that no client can break.
    pub(crate) fn run(self) -> anyhow::Error {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
        let runtime = match runtime.context("cannot start the HTTP loop") {
            Ok(runtime) => runtime,
            Err(error) => return error,
        };
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let Server { doors, shared, root } = self;
        runtime.block_on(async move {
            let mut loops = tokio::task::JoinSet::new();
            for (door, listener) in doors {
                loops.spawn(accept(door, listener, Arc::clone(&shared), root.clone(), Arc::clone(&places)));
            }
            match loops.join_next().await {
                Some(Ok(error)) => error,
                Some(Err(error)) => anyhow::Error::new(error),
                None => anyhow!("no interface is served"),
            }
        })
    }
}

fn listen(door: &Door) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    // An address is not enough: Linux hands a packet for it over from every interface it comes in on.
    socket.bind_device(Some(door.interface.as_str().as_bytes()))?;
    rustix::net::sockopt::set_ip_freebind(&socket, true)?;
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddrV4::new(door.address, door.port).into())?;
    socket.listen(256)?;
    Ok(socket.into())
}

async fn accept(
    door: Door,
    listener: TcpListener,
    shared: Arc<Shared>,
    root: Option<Arc<BootRoot>>,
    places: Arc<Semaphore>,
) -> anyhow::Error {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return anyhow::Error::new(error).context("cannot watch the HTTP port"),
    };
    let door = Arc::new(door);
    loop {
        // The place first: who comes when all are taken waits in the kernel's queue.
        let place = match Arc::clone(&places).acquire_owned().await {
            Ok(place) => place,
            Err(error) => return anyhow::Error::new(error),
        };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, or a client that is gone again. The pause keeps it from filling the log.
                log::warn!("HTTP: cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let SocketAddr::V4(client) = peer else { continue };
        if !door.serves(*client.ip()) {
            continue;
        }
        let (door, shared, root) = (Arc::clone(&door), Arc::clone(&shared), root.clone());
        tokio::spawn(async move {
            serve(&door, stream, client, &shared, root.as_deref()).await;
            drop(place);
        });
    }
}

async fn serve(
    door: &Door,
    stream: TcpStream,
    client: SocketAddrV4,
    shared: &Shared,
    root: Option<&BootRoot>,
) {
    let progress = Arc::new(AtomicU64::new(0));
    let local = SocketAddrV4::new(door.address, door.port);
    // Small answers must not wait for the ACK of the one before.
    let _slower = stream.set_nodelay(true);
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        progress.fetch_add(1, Ordering::Relaxed);
        let (head, _ignored_body) = request.into_parts();
        let line = format!("{} {} {:?}\r\n", head.method, head.uri, head.version);
        shared.trace.http(Direction::Received, local, client, line.as_bytes(), line.len());
        let parts = (&head.method, head.uri.path(), &head.headers);
        let answer = respond(shared, root, client, parts, Arc::clone(&progress));
        let length = answer.headers().get(hyper::header::CONTENT_LENGTH);
        let length: usize = length.and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or_default();
        let line = format!("HTTP/1.1 {}\r\ncontent-length: {length}\r\n", answer.status());
        shared.trace.http(Direction::Sent, local, client, line.as_bytes(), line.len() + length);
        async { Ok::<_, Infallible>(answer) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MOST_HEAD)
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        ended = connection => {
            if let Err(error) = ended {
                log::debug!("HTTP: the connection of {client} ended: {error}");
            }
        }
        () = stalled(&progress) => log::debug!("HTTP: {client} was idle for too long"),
    }
}

/// Returns when nothing was sent or asked for a while.
async fn stalled(progress: &AtomicU64) {
    let mut before = progress.load(Ordering::Relaxed);
    loop {
        tokio::time::sleep(IDLE_TIME).await;
        let now = progress.load(Ordering::Relaxed);
        if now == before {
            return;
        }
        before = now;
    }
}
