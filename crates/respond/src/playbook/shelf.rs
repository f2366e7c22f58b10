//! The playbooks that there are: those that the platform ships, and those that people brought in, which take
//! the place of a shipped one with the same id.

use std::sync::LazyLock;

use cacao::Playbook;
use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::store;
use crate::error::RespondError;

/// What the platform ships (`content/playbooks`).
const SHIPPED: [&str; 6] = [
    include_str!("../../../../content/playbooks/ransomware.json"),
    include_str!("../../../../content/playbooks/defacement.json"),
    include_str!("../../../../content/playbooks/personal-data-leak.json"),
    include_str!("../../../../content/playbooks/denial-of-service.json"),
    include_str!("../../../../content/playbooks/account-phishing.json"),
    include_str!("../../../../content/playbooks/office-malware.json"),
];

/// A playbook on the shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) playbook: Playbook,
    /// The file as it came.
    pub(super) document: String,
    /// Who brought it in, and when; nothing for a shipped one.
    pub(super) brought: Option<(String, DateTime<Utc>)>,
}

/// Returns what the platform ships.
pub(super) fn shipped() -> &'static [Held] {
    static ALL: LazyLock<Vec<Held>> = LazyLock::new(|| {
        let held = |text: &&str| {
            // A test reads the same files; a fault cannot ship.
            let playbook = cacao::read(text.as_bytes()).ok()?;
            Some(Held { playbook, document: (*text).to_owned(), brought: None })
        };
        SHIPPED.iter().filter_map(held).collect()
    });
    &ALL
}

/// Returns all playbooks, the shipped ones first.
pub(super) async fn all(conn: &impl ConnectionTrait) -> Result<Vec<Held>, RespondError> {
    let brought = store::playbooks(conn).await?;
    let stays = |held: &&Held| !brought.iter().any(|one| one.playbook.id == held.playbook.id);
    let shipped: Vec<Held> = shipped().iter().filter(stays).cloned().collect();
    Ok(shipped.into_iter().chain(brought).collect())
}

/// Returns one playbook.
pub(super) async fn get(conn: &impl ConnectionTrait, id: Uuid) -> Result<Held, RespondError> {
    if let Some(held) = store::playbook(conn, id).await? {
        return Ok(held);
    }
    let found = shipped().iter().find(|held| held.playbook.id == id);
    found.cloned().ok_or(RespondError::NotFound)
}
