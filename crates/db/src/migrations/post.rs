//! Posts, people, and who held which post when. The slice is `registry::post`. What reports name is never
//! removed: a post is closed, a holding ends.

use super::table::Type::{Text, Time, Uuid};
use super::{Migration, Step, Table};

pub(super) const MIGRATIONS: &[Migration] =
    &[Migration { name: "0024_registry_post", steps: post }];

fn post() -> Vec<Step> {
    let post = Table::named("post")
        .key("id", Uuid)
        .col("agency_id", Uuid)
        .col("title", Text)
        .col("title_folded", Text)
        .col("kind", Text)
        .col("duties", Text)
        .col("created_at", Time)
        .opt("closed_at", Time)
        .refers("agency_id", "agency")
        .index(&["agency_id"])
        .index(&["title_folded"]);
    let person = Table::named("person")
        .key("id", Uuid)
        .col("agency_id", Uuid)
        .col("name", Text)
        .col("name_folded", Text)
        .col("phone", Text)
        .col("email", Text)
        .opt("account_id", Uuid)
        .col("created_at", Time)
        .refers("agency_id", "agency")
        .refers("account_id", "account")
        .index(&["agency_id"])
        .index(&["name_folded"]);
    let holding = Table::named("post_holding")
        .key("id", Uuid)
        .col("post_id", Uuid)
        .col("person_id", Uuid)
        .col("from_at", Time)
        .opt("to_at", Time)
        .col("decision", Text)
        .refers("post_id", "post")
        .refers("person_id", "person")
        .index(&["post_id", "from_at"])
        .index(&["person_id"]);
    [post, person, holding].into_iter().map(Step::Table).collect()
}
