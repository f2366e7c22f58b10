//! What was seen and is no asset: addresses that logs came from, and domains and addresses that a system
//! names. Offered for adoption to whoever sees their agency.

use std::collections::BTreeSet;
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use event::fold::fold;
use event::{AgencyId, SystemId};
use web::{AppError, Who};

use super::model::AssetKind;
use super::store;
use crate::system::{SystemState, net_text};
use crate::{Registry, failed};

/// Something seen that is no asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    /// Names it in the form: whose it is, and the address.
    pub(super) key: String,
    pub(super) agency: AgencyId,
    pub(super) system: Option<SystemId>,
    pub(super) kind: AssetKind,
    pub(super) name: String,
    pub(super) address: String,
    /// The log source that it sends to; nothing when a system names it.
    pub(super) source: Option<String>,
    /// When it last sent.
    pub(super) at: Option<DateTime<Utc>>,
}

/// Returns what is offered to the asker, what sends logs first.
pub(super) async fn offers(registry: &Registry, who: &Who) -> Result<Vec<Offer>, AppError> {
    let assets = store::all(registry.db.conn(), &who.scope).await.map_err(failed)?;
    let mut known: BTreeSet<(AgencyId, String)> = BTreeSet::new();
    for asset in &assets {
        for word in [&asset.address, &asset.name] {
            known.insert((asset.agency, fold(word)));
        }
    }
    let mut found = senders(registry, who);
    found.extend(named(registry, who));
    found.retain(|offer| known.insert((offer.agency, fold(&offer.address))));
    Ok(found)
}

/// The addresses that log sources were last heard from.
fn senders(registry: &Registry, who: &Who) -> Vec<Offer> {
    let snapshot = registry.directory.snapshot();
    let now = registry.db.now();
    let mut found: Vec<Offer> = snapshot
        .bindings()
        .filter(|binding| who.scope.sees_origin(&binding.origin))
        .filter_map(|binding| {
            let health = registry.health.of(binding.origin.source, now);
            let peer = health.last_peer.filter(|peer| !stands_for_many(*peer))?;
            Some(Offer {
                key: key(binding.origin.agency, &peer.to_string()),
                agency: binding.origin.agency,
                system: binding.origin.system,
                kind: AssetKind::Server,
                name: binding.name.clone(),
                address: peer.to_string(),
                source: Some(binding.name.clone()),
                at: health.last_collected_at,
            })
        })
        .collect();
    found.sort_by(|one, other| other.at.cmp(&one.at).then_with(|| one.key.cmp(&other.key)));
    found
}

/// Domains and single addresses that systems in use name.
fn named(registry: &Registry, who: &Who) -> Vec<Offer> {
    let snapshot = registry.directory.snapshot();
    let mut found = Vec::new();
    for system in snapshot.systems() {
        if !who.scope.sees(system.agency) || system.state == SystemState::Retired {
            continue;
        }
        let offer = |kind, address: String| Offer {
            key: key(system.agency, &address),
            agency: system.agency,
            system: Some(system.id),
            kind,
            name: address.clone(),
            address,
            source: None,
            at: None,
        };
        let domains = system.domains.iter().filter(|domain| !domain.starts_with('*'));
        found.extend(domains.map(|domain| offer(AssetKind::Domain, domain.clone())));
        let single = system.ip_ranges.iter().filter(|net| net.prefix_len() == net.max_prefix_len());
        found.extend(single.map(|net| offer(AssetKind::Address, net_text(net))));
    }
    found
}

fn key(agency: AgencyId, address: &str) -> String {
    format!("{agency}|{address}")
}

/// This machine and the unspecified address stand for no asset.
const fn stands_for_many(peer: IpAddr) -> bool {
    peer.is_loopback() || peer.is_unspecified()
}
