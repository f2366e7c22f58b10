//! The fictional province of the demonstration, read from `content/demo/province.toml`.

mod model;
mod seed;

pub use model::{DemoAgency, DemoError, DemoSource, DemoSystem, Province};
pub use seed::{Sender, SenderBy, seed};

#[cfg(test)]
mod tests;
