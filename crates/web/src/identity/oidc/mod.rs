//! Single sign-on by OpenID Connect: the province's (or the nation's) provider says who someone is. Behind
//! configuration; only accounts that exist here get in, each bound to the provider's subject at first use.

mod actions;
mod routes;
mod store;

pub use actions::{OidcError, OidcSettings};
pub(super) use actions::{Provider, Underway};
pub(super) use routes::routes;
