//! Assets: what systems are made of, as rows. The slice is `registry::asset`.

use super::table::Type::{Int, Text, Time, Uuid};
use super::{Migration, Step, Table};

pub(super) const MIGRATIONS: &[Migration] = &[Migration { name: "0150_asset", steps: assets }];

fn assets() -> Vec<Step> {
    let asset = Table::named("asset")
        .key("id", Uuid)
        .col("agency_id", Uuid)
        .opt("system_id", Uuid)
        .col("kind", Text)
        .col("name", Text)
        // Folded: what lists are ordered by.
        .col("name_folded", Text)
        .col("product", Text)
        .col("release", Text)
        .col("address", Text)
        .col("place", Text)
        .col("purpose", Text)
        .opt("support_ends", Text)
        .col("note", Text)
        // Name, product, release, address and place, folded: what is searched.
        .col("search", Text)
        .col("created_at", Time)
        .col("updated_at", Time)
        .col("version", Int)
        .refers("agency_id", "agency")
        .refers("system_id", "system")
        .index(&["name_folded", "id"])
        .index(&["agency_id", "name_folded"])
        .index(&["system_id", "kind"])
        .index(&["kind", "name_folded"])
        .index(&["support_ends"]);
    vec![Step::Table(asset)]
}
