//! Whether the register can be relied on: "đúng, đủ, sạch, sống, dùng chung, thống nhất". Six attributes,
//! each made of checks that a program can make, of every system and agency, log source, asset and person; every check that fails says
//! what to do next and where. Nothing of it is declared.

mod check;
mod ground;
mod keep;
mod parts;
mod routes;
mod store;
mod views;

pub use check::{Attribute, Check, Counts};
pub(crate) use check::{of_agency, of_system};
pub use keep::{Book, KIND, Keeper, schedule};

pub(crate) use ground::Ground;
pub(crate) use parts::{of_asset, of_person, of_source};
pub(crate) use routes::routes;
pub(crate) use views::{Card, card};

#[cfg(test)]
mod tests;
