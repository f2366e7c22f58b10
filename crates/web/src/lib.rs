//! The web face of the platform: one view with three faces, errors, text in two languages, identity,
//! permissions, layout and assets. How to write a page stands in this crate's `README.md`.
//!
//! Slices build [`Routes`] of handlers that return [`View`], [`Done`] or [`AppError`]; [`serve`] puts
//! the whole site round them.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may stop at the first surprise"))]

// What a handler uses.
pub mod approval;
mod error;
mod extract;
pub mod filters;
pub mod identity;
pub mod jobs;
pub mod notify;
mod permission;
mod routes;
mod view;
pub mod webhook;
mod who;

// How it reaches the reader.
pub mod assets;
pub mod charts;
pub mod document;
pub mod figures;
pub mod i18n;
mod lang;
mod layout;
mod live;
mod openapi;
pub mod outbound;
pub mod paging;
mod preferences;
pub mod proxy;
mod reader;
mod render;
mod secret_mark;
mod security;
mod server;
mod site;
pub mod todo;
mod upload;

pub mod limits;
pub mod testing;

pub use error::{AppError, FieldErrors, chain};
pub use extract::{Body, Path, Query};
pub use i18n::Phrase;
pub use identity::{Address, AgencyTree, Identity};
pub use lang::Lang;
pub use live::{Announcement, Live};
pub use permission::{Permission, Reach, Role};
pub use reader::{Reader, Theme};
pub use routes::{Access, Method, RouteInfo, Routes};
pub use secret_mark::carries_secret_mark;
pub use server::serve;
pub use site::{
    NavCount, NavCounts, NavNumbers, NoCounts, Settings, Site, Tone, Visitor, Visitors,
};
pub use upload::Upload;
pub use view::{Done, Face, Frame, View, done};
pub use who::{By, Rights, Who};
