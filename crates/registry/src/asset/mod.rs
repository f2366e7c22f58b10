//! Assets: servers, software, devices, domains and addresses as rows that can be counted, searched and
//! watched for the end of their support. What is seen in logs or named by a system without being an
//! asset is offered for adoption.

mod actions;
mod model;
mod routes;
mod seen;
mod store;
mod views;

pub use model::{Asset, AssetDraft, AssetFilter, AssetKind};

pub(crate) use actions::asset_of;
pub(crate) use routes::routes;
pub(crate) use store::{all, by_id, delete, follow, insert, move_all, of_system, update};

#[cfg(test)]
mod tests;
