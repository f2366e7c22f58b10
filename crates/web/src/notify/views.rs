//! What the pages of notifications show.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Utc};
use event::{Level, Severity};
use serde::Serialize;
use utoipa::ToSchema;

use super::store::device::Device;
use crate::paging::Pager;
use crate::{Permission, filters};

/// What the reader was told.
#[derive(Debug, Clone, Template, Serialize, ToSchema)]
#[template(path = "notify/list.html")]
pub(super) struct NoticeList {
    /// The newest first.
    pub(super) rows: Vec<NoticeRow>,
    /// How many are not read.
    pub(super) unread: u64,
    /// Whether only those are shown.
    pub(super) only_unread: bool,
    /// Where the list stands.
    pub(super) pager: Pager,
}

/// One notice.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct NoticeRow {
    pub(super) id: String,
    /// The kind's word.
    pub(super) kind: &'static str,
    /// What it tells, in the reader's language.
    pub(super) title: String,
    #[schema(value_type = String)]
    pub(super) severity: Severity,
    #[schema(value_type = Option<u8>)]
    pub(super) level: Option<Level>,
    pub(super) at: DateTime<Utc>,
    pub(super) is_read: bool,
}

/// How the reader wants to be told.
#[derive(Debug, Clone, Template, Serialize, ToSchema)]
#[template(path = "notify/preferences.html")]
pub(super) struct PreferencePage {
    /// The language of messages.
    pub(super) lang: &'static str,
    pub(super) email: String,
    pub(super) phone: String,
    pub(super) zalo: String,
    /// Begin of the quiet hours; empty: none.
    pub(super) quiet_from: String,
    pub(super) quiet_to: String,
    /// Whether the reader is on duty now, so that quiet hours do not count.
    pub(super) on_duty: bool,
    pub(super) channels: Vec<ChannelHead>,
    pub(super) kinds: Vec<KindRow>,
    /// The key that browsers subscribe with; nothing where web push is not set up.
    pub(super) push_key: Option<String>,
    /// The reader's browsers that take pushes.
    pub(super) devices: Vec<DeviceRow>,
    #[serde(skip)]
    pub(super) wrong: BTreeMap<String, String>,
}

/// A browser that takes pushes.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct DeviceRow {
    pub(super) id: String,
    /// What its owner calls it.
    pub(super) name: String,
    pub(super) made_at: DateTime<Utc>,
    /// When its service last took a message over.
    pub(super) last_at: Option<DateTime<Utc>>,
}

impl From<Device> for DeviceRow {
    fn from(device: Device) -> Self {
        Self {
            id: device.id.to_string(),
            name: device.name,
            made_at: device.made_at,
            last_at: device.last_at,
        }
    }
}

/// A column of the table of wishes.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct ChannelHead {
    pub(super) word: &'static str,
    #[serde(skip)]
    pub(super) key: &'static str,
    /// Whether the operator set it up.
    pub(super) works: bool,
}

/// A row of the table of wishes.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct KindRow {
    pub(super) kind: &'static str,
    #[serde(skip)]
    pub(super) key: &'static str,
    /// `kind/channel`, the channel's key, and whether it is wanted.
    #[schema(value_type = Vec<Object>)]
    pub(super) wanted: Vec<(String, &'static str, bool)>,
}

/// How the ways to people do.
#[derive(Debug, Clone, Template, Serialize, ToSchema)]
#[template(path = "notify/queue.html")]
pub(super) struct QueuePage {
    pub(super) channels: Vec<ChannelRow>,
    /// What waits or was given up.
    pub(super) rows: Vec<QueueRow>,
    /// Hours after which a message is given up.
    pub(super) give_up_h: i64,
    /// Where the list stands.
    pub(super) pager: Pager,
}

/// A channel.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct ChannelRow {
    pub(super) name: &'static str,
    #[serde(skip)]
    pub(super) key: &'static str,
    /// Whether the operator set it up.
    pub(super) works: bool,
    pub(super) failing_since: Option<DateTime<Utc>>,
    /// When it is tried again.
    pub(super) next_at: Option<DateTime<Utc>>,
    pub(super) last_ok_at: Option<DateTime<Utc>>,
    pub(super) last_error: String,
    pub(super) waiting: u64,
    pub(super) failed: u64,
}

/// A message to someone that has not left.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct QueueRow {
    pub(super) id: String,
    /// Whom it is for.
    pub(super) to: String,
    #[serde(skip)]
    pub(super) channel_key: &'static str,
    pub(super) title: String,
    /// `waiting` or `failed`.
    pub(super) state: String,
    #[serde(skip)]
    pub(super) state_key: &'static str,
    pub(super) is_failed: bool,
    pub(super) attempts: i32,
    pub(super) made_at: DateTime<Utc>,
    pub(super) due_at: DateTime<Utc>,
    pub(super) give_up_at: DateTime<Utc>,
    /// What was said last.
    pub(super) error: String,
}

/// Who is told of what.
#[derive(Debug, Clone, Template, Serialize, ToSchema)]
#[template(path = "notify/rules.html")]
pub(super) struct RulesPage {
    pub(super) rules: Vec<RuleRow>,
    #[serde(skip)]
    pub(super) kinds: Vec<Choice>,
    #[serde(skip)]
    pub(super) severities: Vec<Choice>,
    #[serde(skip)]
    pub(super) audiences: Vec<Choice>,
    #[serde(skip)]
    pub(super) channels: Vec<Choice>,
}

/// A rule.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct RuleRow {
    pub(super) id: String,
    pub(super) kind: &'static str,
    #[serde(skip)]
    pub(super) kind_key: &'static str,
    #[schema(value_type = String)]
    pub(super) severity_min: Severity,
    pub(super) level_min: u8,
    pub(super) audience: &'static str,
    #[serde(skip)]
    pub(super) audience_key: &'static str,
    /// Whether it names people who are bound to an agency.
    #[serde(skip)]
    pub(super) has_place: bool,
    /// Whether people of agencies above are told as well.
    pub(super) chain: bool,
    pub(super) after_min: i32,
    pub(super) is_on: bool,
    #[serde(skip)]
    pub(super) severities: Vec<Choice>,
    #[serde(skip)]
    pub(super) audiences: Vec<Choice>,
    pub(super) channels: Vec<Choice>,
}

impl RuleRow {
    /// Returns whether it speaks of every severity.
    const fn is_any(&self) -> bool {
        matches!(self.severity_min, Severity::Informational)
    }
}

/// Something to choose.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = NotifyChoice)]
pub(super) struct Choice {
    pub(super) value: String,
    #[serde(skip)]
    pub(super) key: &'static str,
    pub(super) chosen: bool,
}
