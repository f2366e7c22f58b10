//! Who gets in and how far: misses at the door, delegations, second pairs of eyes, passkeys. The slice is
//! `web::identity` with `web::approval`.

use super::table::Type::{Int, Json, Text, Time, Uuid};
use super::{Migration, Step, Table, both};

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "0020_access_door", steps: door },
    Migration { name: "0021_access_delegation", steps: delegation },
    Migration { name: "0022_access_approval", steps: approval },
    Migration { name: "0023_access_passkey", steps: passkey },
];

fn door() -> Vec<Step> {
    // The key is a hash: people type passwords into the field of the sign-in name.
    let miss = Table::named("sign_in_miss")
        .key("key", Text)
        .col("count", Int)
        .col("last_at", Time)
        .index(&["last_at"]);
    vec![
        Step::Table(miss),
        // The last time step of a code that was used: a code works once, also over a restart.
        both("ALTER TABLE account ADD COLUMN totp_step bigint"),
        // Who the account is to the provider of single sign-on.
        both("ALTER TABLE account ADD COLUMN oidc_subject text"),
        both("CREATE UNIQUE INDEX account_oidc_subject_key ON account (oidc_subject)"),
        // Whether this very session passed a second factor, however it was opened.
        both("ALTER TABLE session ADD COLUMN second_factor boolean NOT NULL DEFAULT false"),
    ]
}

fn delegation() -> Vec<Step> {
    let delegation = Table::named("delegation")
        .key("id", Uuid)
        .col("from_account", Uuid)
        .col("to_account", Uuid)
        .col("reason", Text)
        .col("starts_at", Time)
        .col("ends_at", Time)
        .col("created_at", Time)
        .opt("revoked_at", Time)
        .refers("from_account", "account")
        .refers("to_account", "account")
        .index(&["from_account"])
        .index(&["to_account"]);
    vec![
        Step::Table(delegation),
        // The delegation a session acts on now.
        Step::Sql {
            sqlite: "ALTER TABLE session ADD COLUMN acting_on uuid_text",
            postgres: "ALTER TABLE session ADD COLUMN acting_on uuid",
        },
    ]
}

fn approval() -> Vec<Step> {
    let approval = Table::named("approval")
        .key("id", Uuid)
        .col("action", Text)
        .col("subject_kind", Text)
        .col("subject_id", Text)
        .opt("agency_id", Uuid)
        .col("summary", Text)
        .col("payload", Json)
        .col("reason", Text)
        .col("requested_by", Uuid)
        .col("requested_name", Text)
        .col("requested_at", Time)
        .col("expires_at", Time)
        .col("state", Text)
        .opt("decided_by", Uuid)
        .opt("decided_name", Text)
        .opt("decided_at", Time)
        .col("note", Text)
        .refers("requested_by", "account")
        .index(&["state", "expires_at"])
        .index(&["requested_by"]);
    vec![Step::Table(approval)]
}

fn passkey() -> Vec<Step> {
    let passkey = Table::named("passkey")
        .key("id", Uuid)
        .col("account_id", Uuid)
        .col("credential_id", Text)
        .col("name", Text)
        .col("credential", Text)
        .col("created_at", Time)
        .opt("last_used_at", Time)
        .belongs("account_id", "account")
        .unique(&["credential_id"])
        .index(&["account_id"]);
    vec![Step::Table(passkey)]
}
