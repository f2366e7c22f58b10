//! The tables of notifications as `SeaORM` sees them.

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

entity!(notice, "notice", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    key: String,
    kind: String,
    number: String,
    severity: i16,
    level: i16,
    agency_id: Option<Uuid>,
    link: String,
    named: Json,
    except_id: Option<Uuid>,
    raised_at: DateTimeUtc,
    spread_at: Option<DateTimeUtc>,
    settled_at: Option<DateTimeUtc>,
});

entity!(delivery, "notice_delivery", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    notice_id: Uuid,
    account_id: Uuid,
    channel: String,
    state: String,
    after_min: i32,
    made_at: DateTimeUtc,
    due_at: DateTimeUtc,
    give_up_at: DateTimeUtc,
    attempts: i32,
    message_id: Option<Uuid>,
    sent_at: Option<DateTimeUtc>,
    read_at: Option<DateTimeUtc>,
    error: String,
});

entity!(preference, "notify_preference", {
    #[sea_orm(primary_key, auto_increment = false)]
    account_id: Uuid,
    lang: String,
    email: String,
    phone: String,
    zalo: String,
    muted: Json,
    quiet_from: i16,
    quiet_to: i16,
});

entity!(device, "push_device", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    account_id: Uuid,
    name: String,
    endpoint: String,
    p256dh: String,
    auth: String,
    made_at: DateTimeUtc,
    last_at: Option<DateTimeUtc>,
    last_message: Option<Uuid>,
});

entity!(push_key, "push_key", {
    #[sea_orm(primary_key, auto_increment = false)]
    name: String,
    secret: Vec<u8>,
    made_at: DateTimeUtc,
});

entity!(rule, "notify_rule", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: String,
    kind: String,
    severity_min: i16,
    level_min: i16,
    audience: String,
    place: String,
    channels: String,
    after_min: i32,
    is_on: i16,
});

entity!(channel, "notify_channel", {
    #[sea_orm(primary_key, auto_increment = false)]
    name: String,
    failures: i64,
    failing_since: Option<DateTimeUtc>,
    next_at: Option<DateTimeUtc>,
    last_ok_at: Option<DateTimeUtc>,
    last_error: String,
    holder: String,
    lease_until: Option<DateTimeUtc>,
});
