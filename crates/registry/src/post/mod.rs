//! Posts and the people who hold them: a post belongs to an agency for as long as the agency needs it, a
//! person holds it for a time. Who held it then stays readable: old reports name them.

mod actions;
mod model;
mod routes;
mod store;
mod views;

pub(crate) use actions::vacant;
pub use model::{Holding, Person, PersonDraft, Post, PostDraft, PostKind};
pub(crate) use routes::routes;
pub(crate) use store::{
    all_people, delete_person, holders, insert_person, move_people, move_posts, person_by_id,
    update_person,
};

#[cfg(test)]
mod tests;
