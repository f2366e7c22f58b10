//! A real S3 server over a folder, on loopback.

use std::net::{SocketAddr, TcpListener};
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

/// Serves a folder's buckets until the process is ended: the store of `tests/e2e`, which starts this test by
/// its name with `LUYTRE_TEST_S3=FOLDER,PORT`.
#[test]
#[ignore = "a server for tests/e2e, not a test"]
#[expect(clippy::disallowed_methods, reason = "how a test is told from outside where to listen")]
fn serve_for_others() {
    let told = std::env::var("LUYTRE_TEST_S3").unwrap();
    let (folder, port) = told.rsplit_once(',').unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
    start(Path::new(folder), address);
    loop {
        std::thread::park();
    }
}
