//! Puts the whole site together: routes under `/` and again under `/api/v1`, assets, the live stream,
//! and the middlewares in their order.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Router};
use http::StatusCode;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate as _, SizeAbove};
use tower_http::timeout::TimeoutLayer;

use crate::routes::{Method, Routes};
use crate::{AppError, Site, assets, limits, live, openapi, preferences, render, security};

/// Smallest answer worth compressing, in bytes.
const COMPRESS_FROM: u16 = 1024;

/// Returns the service of the whole site.
pub fn serve(site: Site, routes: Routes) -> Router {
    let routes = routes
        .merge(preferences::routes(&site))
        .own_get("/live", live::serve)
        .doc("Streams what changed: the addresses of lists");
    let (pages, list) = routes.into_parts();
    let openapi: Arc<str> = openapi::document(&list).into();
    let document = move || {
        let openapi = Arc::clone(&openapi);
        async move { ([(http::header::CONTENT_TYPE, "application/json")], openapi.to_string()) }
    };
    let places = list
        .iter()
        .filter(|route| route.method == Method::Get)
        .map(|route| route.path.clone())
        .collect();
    let served = render::Served { site: site.clone(), places: Arc::new(places) };
    let programs = pages.clone().fallback(unknown).method_not_allowed_fallback(unknown);
    let drawn = pages
        .nest(render::API, programs)
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(from_fn(security::check_origin))
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES_MAX))
        .layer(Extension(site.live.clone()))
        .layer(CatchPanicLayer::custom(|_| {
            AppError::internal("a handler panicked").into_response()
        }))
        .layer(from_fn_with_state(served, render::render));
    let compress = SizeAbove::new(COMPRESS_FROM)
        .and(NotForContentType::const_new("text/event-stream"))
        .and(NotForContentType::const_new("font/"));
    Router::new()
        .route(&format!("{}{{*name}}", assets::PREFIX), axum::routing::get(assets::serve))
        .route("/sw.js", axum::routing::get(assets::serve_worker))
        .route("/api/v1/openapi.json", axum::routing::get(document))
        .route("/healthz", axum::routing::get(|| async { "ok" }))
        .merge(drawn)
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            limits::REQUEST_TIMEOUT,
        ))
        .layer(CompressionLayer::new().compress_when(compress))
        .layer(from_fn_with_state(site, security::harden))
}

async fn unknown() -> Response {
    AppError::NotFound.into_response()
}
