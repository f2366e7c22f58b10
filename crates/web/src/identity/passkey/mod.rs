//! Passkeys (WebAuthn): a phone, a security key or the computer itself proves who its owner is. One is
//! both factors at once, because the device checks its owner by finger, face or number.
//!
//! They work only where the site's public address is configured: a passkey is bound to it.

mod actions;
mod routes;
mod store;

pub(super) use actions::{Ceremonies, check_may_enrol, forget_all, rows};
pub(super) use routes::routes;
