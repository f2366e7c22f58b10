//! Standing in for someone: a person lets another act in their role and agency, for a reason and until a
//! day. The other *switches over*: rights are never added up, so that nobody has more than one of the two.
//! Both names stand in the audit log.

mod actions;
mod routes;
mod store;
mod views;

pub(super) use actions::in_force;
pub(super) use routes::routes;

#[cfg(test)]
mod tests;
