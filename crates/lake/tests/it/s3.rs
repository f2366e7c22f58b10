//! A real S3 server over a folder, on loopback.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};

/// The one who may use it.
pub(crate) const KEY_ID: &str = "luytre";
/// What proves it.
pub(crate) const SECRET: &str = "a secret of the tests";

/// Serves buckets, the folders in `root`, on threads of their own for as long as the process lives.
pub(crate) fn start(root: &Path, listen: SocketAddr) -> SocketAddr {
    let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(root).unwrap());
    builder.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
    let service = builder.build();
    let listener = TcpListener::bind(listen).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(serve(listener, service));
    });
    address
}

async fn serve(listener: TcpListener, service: S3Service) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let service = service.clone();
        tokio::spawn(async move {
            let builder = Builder::new(TokioExecutor::new());
            // A client that goes away is none of the server's failures.
            drop(builder.serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

/// Where `tests/e2e` wants the server: `FOLDER,PORT`. It starts this program's one test for it.
#[expect(clippy::disallowed_methods, reason = "how a test is told from outside where to listen")]
fn wanted_by_others() -> Option<String> {
    std::env::var("LUYTRE_TEST_S3").ok()
}

#[test]
fn a_stranger_is_refused() {
    if let Some(told) = wanted_by_others() {
        let (folder, port) = told.rsplit_once(',').unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
        start(Path::new(folder), address);
        loop {
            std::thread::park();
        }
    }
    let root = tempfile::tempdir().unwrap();
    let address = start(root.path(), SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /logs/x HTTP/1.1\r\nHost: s3\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
}
