//! The tables of identity as `SeaORM` sees them.

#![expect(unreachable_pub, reason = "SeaORM's derives want `pub` inside a private module")]

macro_rules! entity {
    ($module:ident, $table:literal, { $($(#[$meta:meta])* $field:ident: $kind:ty,)+ }) => {
        pub(super) mod $module {
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model { $($(#[$meta])* pub $field: $kind,)+ }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

entity!(account, "account", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    login: String,
    login_folded: String,
    name: String,
    role: String,
    agency_id: Option<Uuid>,
    password_hash: Option<String>,
    totp_secret: Option<String>,
    totp_enabled: bool,
    disabled: bool,
    failed_count: i32,
    locked_until: Option<DateTimeUtc>,
    lang: String,
    created_at: DateTimeUtc,
    last_sign_in_at: Option<DateTimeUtc>,
    totp_step: Option<i64>,
    oidc_subject: Option<String>,
});

entity!(session, "session", {
    #[sea_orm(primary_key, auto_increment = false)]
    id_hash: String,
    account_id: Uuid,
    created_at: DateTimeUtc,
    last_seen_at: DateTimeUtc,
    expires_at: DateTimeUtc,
    address: Option<String>,
    user_agent: Option<String>,
    csrf: String,
    second_factor: bool,
    acting_on: Option<Uuid>,
});

entity!(invite, "invite", {
    #[sea_orm(primary_key, auto_increment = false)]
    token_hash: String,
    purpose: String,
    account_id: Option<Uuid>,
    role: Option<String>,
    agency_id: Option<Uuid>,
    created_at: DateTimeUtc,
    expires_at: DateTimeUtc,
    used_at: Option<DateTimeUtc>,
});

entity!(recovery_code, "recovery_code", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    account_id: Uuid,
    code_hash: String,
    used_at: Option<DateTimeUtc>,
});

entity!(api_token, "api_token", {
    #[sea_orm(primary_key, auto_increment = false)]
    token_hash: String,
    id: Uuid,
    account_id: Uuid,
    name: String,
    scopes: Json,
    created_at: DateTimeUtc,
    expires_at: Option<DateTimeUtc>,
    last_used_at: Option<DateTimeUtc>,
    revoked_at: Option<DateTimeUtc>,
});

entity!(miss, "sign_in_miss", {
    #[sea_orm(primary_key, auto_increment = false)]
    key: String,
    count: i32,
    last_at: DateTimeUtc,
});

entity!(delegation, "delegation", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    from_account: Uuid,
    to_account: Uuid,
    reason: String,
    starts_at: DateTimeUtc,
    ends_at: DateTimeUtc,
    created_at: DateTimeUtc,
    revoked_at: Option<DateTimeUtc>,
});

entity!(passkey, "passkey", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    account_id: Uuid,
    credential_id: String,
    name: String,
    credential: String,
    created_at: DateTimeUtc,
    last_used_at: Option<DateTimeUtc>,
});
