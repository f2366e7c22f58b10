//! The tables of hooks as `SeaORM` sees them.

#![expect(unreachable_pub, reason = "SeaORM's derives want `pub` inside a private module")]

use event::AccountId;

use super::model::Hook;

pub(super) mod webhook {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "webhook")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub name: String,
        pub url: String,
        pub secret: String,
        pub actions: Json,
        pub account_id: Uuid,
        pub seq: i64,
        pub created_at: DateTimeUtc,
        pub paused_at: Option<DateTimeUtc>,
        pub paused_why: String,
        pub failures: i32,
        pub failing_since: Option<DateTimeUtc>,
        pub next_at: Option<DateTimeUtc>,
        pub held_until: Option<DateTimeUtc>,
        pub last_ok_at: Option<DateTimeUtc>,
        pub last_error: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod delivery {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "webhook_delivery")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub webhook_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub seq: i64,
        pub action: String,
        pub attempts: i32,
        pub status: i16,
        pub error: String,
        pub tried_at: DateTimeUtc,
        pub taken_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl From<webhook::Model> for Hook {
    fn from(row: webhook::Model) -> Self {
        Self {
            id: row.id,
            name: row.name,
            url: row.url,
            secret: row.secret,
            actions: serde_json::from_value(row.actions).unwrap_or_default(),
            account: AccountId::from_uuid(row.account_id),
            seq: row.seq,
            created_at: row.created_at,
            paused_at: row.paused_at,
            paused_why: row.paused_why,
            failures: row.failures,
            failing_since: row.failing_since,
            next_at: row.next_at,
            last_ok_at: row.last_ok_at,
            last_error: row.last_error,
        }
    }
}

impl From<&Hook> for webhook::Model {
    fn from(hook: &Hook) -> Self {
        Self {
            id: hook.id,
            name: hook.name.clone(),
            url: hook.url.clone(),
            secret: hook.secret.clone(),
            actions: serde_json::json!(hook.actions),
            account_id: hook.account.uuid(),
            seq: hook.seq,
            created_at: hook.created_at,
            paused_at: hook.paused_at,
            paused_why: hook.paused_why.clone(),
            failures: hook.failures,
            failing_since: hook.failing_since,
            next_at: hook.next_at,
            held_until: None,
            last_ok_at: hook.last_ok_at,
            last_error: hook.last_error.clone(),
        }
    }
}
