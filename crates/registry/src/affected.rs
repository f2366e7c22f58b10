//! Which systems a warning concerns: by product, domain, address, and the sector and level of their
//! owners. What is registered and what is seen counts alike: assets, a product named in the profile, and
//! one whose logs arrive.

use std::collections::BTreeMap;
use std::net::IpAddr;

use db::{Db, DbError};
use event::{AgencyId, Level, Scope, SystemId};
use ipnet::IpNet;

use crate::asset::{self, Asset};
use crate::directory::Snapshot;
use crate::profile;
use crate::system::{System, SystemState};

/// Whom a warning concerns. A system must answer to one of product, domain and address, where any of
/// them is given, and stay within sector and level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Criteria {
    /// Words of a product: "Fortinet FortiGate". All must stand in one asset or one line of the profile,
    /// or name the product of a log source.
    pub product: String,
    /// A domain; names below it count.
    pub domain: String,
    /// An address or network that overlaps one of the system's.
    pub address: Option<IpNet>,
    /// A word of the law's list of sectors; the owner's.
    pub sector: String,
    /// At least this level.
    pub level_min: Option<Level>,
}

impl Criteria {
    /// Returns whether nothing is asked for: that concerns nobody.
    pub fn is_empty(&self) -> bool {
        self.is_unnamed() && self.sector.is_empty() && self.level_min.is_none()
    }

    fn is_unnamed(&self) -> bool {
        self.product.trim().is_empty() && self.domain.trim().is_empty() && self.address.is_none()
    }
}

/// A system that a warning concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// The system.
    pub system: SystemId,
    /// Its owner.
    pub agency: AgencyId,
    /// What of it answers to the criteria, as registered or seen; empty where sector and level alone did.
    pub why: String,
}

/// Returns the systems in the scope that are not retired and answer to the criteria, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn affected(
    db: &Db,
    snapshot: &Snapshot,
    scope: &Scope,
    criteria: &Criteria,
) -> Result<Vec<Affected>, DbError> {
    if criteria.is_empty() {
        return Ok(Vec::new());
    }
    let within = |system: &&System| {
        let sector = snapshot.tree().get(system.agency).map(|agency| agency.sector.as_str());
        scope.sees(system.agency)
            && system.state != SystemState::Retired
            && (criteria.sector.is_empty() || sector == Some(criteria.sector.as_str()))
            && criteria.level_min.is_none_or(|least| system.level.is_some_and(|own| own >= least))
    };
    let systems = snapshot.systems().map(AsRef::as_ref);
    let mut systems: Vec<&System> = systems.filter(within).collect();
    systems.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    let ids: Vec<SystemId> = systems.iter().map(|system| system.id).collect();
    let profiles = match criteria.product.trim() {
        "" => BTreeMap::new(),
        _ => profile::of_all(db.conn(), &ids).await?,
    };
    let mut assets: BTreeMap<SystemId, Vec<Asset>> = BTreeMap::new();
    if !criteria.is_unnamed() {
        for one in asset::all(db.conn(), scope).await? {
            if let Some(system) = one.system {
                assets.entry(system).or_default().push(one);
            }
        }
    }
    let words = words(&criteria.product);
    let mut found = Vec::new();
    for system in systems {
        let assets = assets.remove(&system.id).unwrap_or_default();
        let named = |one: &Asset| format!("{} {} {}", one.name, one.product, one.release);
        let mut lines: Vec<String> = assets.iter().map(named).collect();
        lines.extend(profiles.get(&system.id).map(|own| own.facts.lines()).unwrap_or_default());
        let product = || product(&words, &lines, snapshot, system.id);
        let why = domain(criteria, system, &assets)
            .or_else(|| address(criteria, system, &assets))
            .or_else(product);
        if let Some(why) = why.or_else(|| criteria.is_unnamed().then(String::new)) {
            found.push(Affected { system: system.id, agency: system.agency, why });
        }
    }
    Ok(found)
}

fn words(text: &str) -> Vec<String> {
    let folded = event::fold::fold(text);
    let parts = folded.split(|c: char| !c.is_alphanumeric() && c != '.');
    parts.filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect()
}

fn domain(criteria: &Criteria, system: &System, assets: &[Asset]) -> Option<String> {
    let asked = criteria.domain.trim().trim_matches('.').to_lowercase();
    let below = |own: &&String| {
        let own = own.to_lowercase();
        own.strip_suffix(asked.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let mut known = system.domains.iter().chain(assets.iter().map(|one| &one.address));
    (!asked.is_empty()).then(|| known.find(below).cloned()).flatten()
}

fn address(criteria: &Criteria, system: &System, assets: &[Asset]) -> Option<String> {
    let asked = criteria.address?;
    let overlaps = |own: &IpNet| own.contains(&asked) || asked.contains(own);
    let registered = system.ip_ranges.iter().find(|own| overlaps(own)).map(ToString::to_string);
    let is_there = |one: &&Asset| {
        let address = one.address.trim();
        let net = address.parse().or_else(|_| address.parse::<IpAddr>().map(IpNet::from));
        net.is_ok_and(|net| overlaps(&net))
    };
    registered.or_else(|| assets.iter().find(is_there).map(|one| one.address.clone()))
}

/// Returns the line of the profile, or the log source, that names the product.
fn product(
    words: &[String],
    lines: &[String],
    snapshot: &Snapshot,
    system: SystemId,
) -> Option<String> {
    if words.is_empty() {
        return None;
    }
    let names = |text: &str| {
        let folded = event::fold::fold(text);
        words.iter().all(|word| folded.contains(word.as_str()))
    };
    let seen = || {
        let own = snapshot.bindings().filter(|binding| binding.origin.system == Some(system));
        own.map(|binding| binding.parser.replace('_', " ")).find(|parser| names(parser))
    };
    lines.iter().find(|line| names(line)).cloned().or_else(seen)
}

#[cfg(test)]
mod tests {
    use web::{Role, Who};

    use super::*;
    use crate::profile::Profile;
    use crate::testing::{Desk, administrator, desks};

    fn asset_of(
        desk: &Desk,
        agency: AgencyId,
        (name, product, address): (&str, &str, &str),
    ) -> Asset {
        let now = desk.registry.db.now();
        Asset {
            id: desk.registry.db.new_uuid(),
            agency,
            system: None,
            kind: asset::AssetKind::Server,
            name: name.to_owned(),
            product: product.to_owned(),
            release: "8.0".to_owned(),
            address: address.to_owned(),
            place: String::new(),
            purpose: String::new(),
            support_ends: None,
            note: String::new(),
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    async fn codes(desk: &Desk, who: &Who, criteria: Criteria) -> Vec<(String, String)> {
        let snapshot = desk.registry.directory.snapshot();
        let found = affected(&desk.registry.db, &snapshot, &who.scope, &criteria).await.unwrap();
        let code = |own: Affected| (snapshot.system(own.system).unwrap().code.clone(), own.why);
        found.into_iter().map(code).collect()
    }

    #[tokio::test]
    async fn systems_answer_by_what_is_registered_and_what_is_seen() {
        for desk in desks().await {
            let who = administrator();
            let snapshot = desk.registry.directory.snapshot();
            let portal = snapshot.systems().find(|system| system.code == "DVC").unwrap().clone();
            let facts = Profile {
                services: "Thư điện tử | Zimbra Collaboration 9 | cán bộ\nCổng web".to_owned(),
                ..Profile::default()
            };
            profile::update(&desk.registry, &who, portal.id, facts).await.unwrap();
            let product =
                |words: &str| Criteria { product: words.to_owned(), ..Criteria::default() };
            let found = codes(&desk, &who, product("collaboration ZIMBRA")).await;
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].0, "DVC");
            assert!(found[0].1.starts_with("Thư điện tử"), "{found:?}");
            assert!(codes(&desk, &who, product("zimbra khác")).await.is_empty());
            let asset = Asset {
                system: Some(portal.id),
                ..asset_of(&desk, portal.agency, ("Máy ảo 7", "VMware ESXi", "10.99.0.7"))
            };
            let books = desk.registry.db.begin_bookkeeping().await.unwrap();
            asset::insert(books.conn(), &asset).await.unwrap();
            books.commit().await.unwrap();
            let found = codes(&desk, &who, product("vmware esxi")).await;
            assert_eq!(found, [("DVC".to_owned(), "Máy ảo 7 VMware ESXi 8.0".to_owned())]);
            let at =
                Criteria { address: Some("10.99.0.0/24".parse().unwrap()), ..Criteria::default() };
            assert_eq!(codes(&desk, &who, at).await, [("DVC".to_owned(), "10.99.0.7".to_owned())]);
            // What its logs say it runs counts without being registered.
            let seen = snapshot.bindings().find(|own| own.origin.system.is_some()).unwrap();
            let words = seen.parser.replace('_', " ");
            if words != "auto" {
                assert!(!codes(&desk, &who, product(&words)).await.is_empty(), "{words}");
            }

            let domain = portal.domains[0].clone();
            let parent = domain.split_once('.').unwrap().1.to_owned();
            for asked in [domain.to_uppercase(), format!(".{parent}")] {
                let criteria = Criteria { domain: asked.clone(), ..Criteria::default() };
                let found = codes(&desk, &who, criteria).await;
                assert!(found.iter().any(|(code, _)| code == "DVC"), "{asked}: {found:?}");
            }
            let domain = domain.split_at(1).1.to_owned();
            let lookalike = Criteria { domain, ..Criteria::default() };
            assert!(codes(&desk, &who, lookalike).await.is_empty());

            let net = portal.ip_ranges[0];
            for asked in [IpNet::from(net.addr()), net.supernet().unwrap_or(net)] {
                let criteria = Criteria { address: Some(asked), ..Criteria::default() };
                let found = codes(&desk, &who, criteria).await;
                assert!(found.iter().any(|(code, _)| code == "DVC"), "{asked}: {found:?}");
            }
            let level = Criteria { level_min: Level::new(3), ..Criteria::default() };
            let found = codes(&desk, &who, level.clone()).await;
            let all = snapshot.systems().filter(|own| own.level >= Level::new(3));
            let all = all.filter(|own| own.state != SystemState::Retired).count();
            assert_eq!(found.len(), all);
            assert!(
                codes(&desk, &who, Criteria::default()).await.is_empty(),
                "nothing concerns nobody"
            );
            let nowhere = Criteria { sector: "khong-co".to_owned(), ..level.clone() };
            assert!(codes(&desk, &who, nowhere).await.is_empty());

            let owner = snapshot.tree().get(portal.agency).unwrap().code.clone();
            let officer = Who { role: Role::AgencyOfficer, ..desk.officer(&owner) };
            let own = codes(&desk, &officer, level).await;
            assert!(!own.is_empty() && own.len() < found.len(), "{own:?} of {found:?}");
        }
    }
}
