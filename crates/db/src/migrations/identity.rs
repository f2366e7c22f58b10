//! People's accounts, their sessions, one-time links, recovery codes and API tokens. The slice is
//! `web::identity`. Secrets are stored as hashes only, except the TOTP secret, which must be read back.

use super::table::Type::{Bool, Int, Json, Text, Time, Uuid};
use super::{Migration, Step, Table};

pub(super) const MIGRATIONS: &[Migration] = &[Migration { name: "0002_identity", steps: identity }];

fn identity() -> Vec<Step> {
    let account = Table::named("account")
        .key("id", Uuid)
        .col("login", Text)
        .col("login_folded", Text)
        .col("name", Text)
        .col("role", Text)
        // No foreign key: accounts are made before the first agency, and identity knows no registry.
        .opt("agency_id", Uuid)
        .opt("password_hash", Text)
        .opt("totp_secret", Text)
        .col("totp_enabled", Bool)
        .col("disabled", Bool)
        .col("failed_count", Int)
        .opt("locked_until", Time)
        .col("lang", Text)
        .col("created_at", Time)
        .opt("last_sign_in_at", Time)
        .unique(&["login_folded"])
        .index(&["agency_id"]);
    let session = Table::named("session")
        .key("id_hash", Text)
        .col("account_id", Uuid)
        .col("created_at", Time)
        .col("last_seen_at", Time)
        .col("expires_at", Time)
        .opt("address", Text)
        .opt("user_agent", Text)
        .col("csrf", Text)
        .belongs("account_id", "account")
        .index(&["account_id"])
        .index(&["expires_at"]);
    let invite = Table::named("invite")
        .key("token_hash", Text)
        .col("purpose", Text)
        .opt("account_id", Uuid)
        .opt("role", Text)
        .opt("agency_id", Uuid)
        .col("created_at", Time)
        .col("expires_at", Time)
        .opt("used_at", Time)
        .belongs("account_id", "account");
    let recovery_code = Table::named("recovery_code")
        .key("id", Uuid)
        .col("account_id", Uuid)
        .col("code_hash", Text)
        .opt("used_at", Time)
        .belongs("account_id", "account")
        .index(&["account_id"]);
    let api_token = Table::named("api_token")
        .key("token_hash", Text)
        .col("id", Uuid)
        .col("account_id", Uuid)
        .col("name", Text)
        .col("scopes", Json)
        .col("created_at", Time)
        .opt("expires_at", Time)
        .opt("last_used_at", Time)
        .opt("revoked_at", Time)
        .belongs("account_id", "account")
        .unique(&["id"])
        .index(&["account_id"]);
    [account, session, invite, recovery_code, api_token].into_iter().map(Step::Table).collect()
}
