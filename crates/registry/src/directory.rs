//! What the pipeline asks thousands of times a second: whose is this token, this sender, this source?
//! Everything is in memory and replaced as a whole after each change.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use db::{Db, DbError};
use event::{AgencyId, Level, Origin, Scope, SourceId, SystemId};
use ipnet::IpNet;

use crate::agency::{self, Agency, FormerName};
use crate::limits;
use crate::source::{self, Digest, LogSource, SourceKind, digest, same};
use crate::system::{self, System, SystemState};

/// What is known of a log source while its frames are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceBinding {
    /// Whose its events are.
    pub origin: Origin,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: SourceKind,
    /// What reads it: `auto` or a folder of `sources/`.
    pub parser: String,
    /// Zone of times that state none, in minutes ahead of UTC.
    pub utc_offset_minutes: i32,
    /// The level of the system it watches.
    pub level: Option<Level>,
    /// Silence longer than this is reported.
    pub silence_after_s: i32,
    /// Whether its records are taken.
    pub enabled: bool,
    /// Since when it is connected.
    pub created_at: DateTime<Utc>,
    /// The agency's name.
    pub agency_name: String,
    /// The system's name.
    pub system_name: Option<String>,
    /// Whether the system is in use; a source that watches none counts as in use.
    pub in_use: bool,
    /// Whom to call at night: the system's telephone, else the agency's.
    pub duty_phone: String,
    /// The file to follow.
    pub path: Option<String>,
}

/// The agencies as a tree.
#[derive(Debug, Clone, Default)]
pub struct AgencyTree {
    below: BTreeMap<AgencyId, Vec<AgencyId>>,
    agencies: BTreeMap<AgencyId, Arc<Agency>>,
    former: BTreeMap<AgencyId, Vec<FormerName>>,
}

impl AgencyTree {
    fn new(agencies: Vec<Agency>, former: Vec<FormerName>) -> Self {
        let mut tree = Self::default();
        for name in former {
            tree.former.entry(name.agency).or_default().push(name);
        }
        for agency in agencies {
            if let Some(parent) = agency.parent {
                tree.below.entry(parent).or_default().push(agency.id);
            }
            tree.agencies.insert(agency.id, Arc::new(agency));
        }
        tree
    }

    /// Returns an agency and everything below it: the scope of its officer. Empty if there is no such
    /// agency.
    pub fn subtree(&self, root: AgencyId) -> BTreeSet<AgencyId> {
        let mut found = BTreeSet::new();
        if !self.agencies.contains_key(&root) {
            return found;
        }
        let mut level = vec![root];
        for _ in 0..limits::TREE_DEPTH_MAX {
            let next: Vec<AgencyId> = level
                .iter()
                .filter(|agency| found.insert(**agency))
                .filter_map(|agency| self.below.get(agency))
                .flatten()
                .copied()
                .collect();
            level = next;
        }
        found
    }

    /// Returns an agency.
    pub fn get(&self, id: AgencyId) -> Option<&Arc<Agency>> {
        self.agencies.get(&id)
    }

    /// Returns the agencies, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Agency>> {
        self.agencies.values()
    }

    /// Returns what an agency was called at a moment, or a dash: what is printed of that time carries
    /// the name of that time.
    pub fn name_on(&self, id: AgencyId, at: DateTime<Utc>) -> &str {
        let names = self.former.get(&id).map_or(&[][..], Vec::as_slice);
        let then = names.iter().filter(|name| at < name.to).min_by_key(|name| name.to);
        then.map_or_else(|| self.name(id), |name| &name.name)
    }

    /// Returns an agency's name, or a dash.
    pub fn name(&self, id: AgencyId) -> &str {
        self.agencies.get(&id).map_or("–", |agency| &agency.name)
    }
}

#[derive(Debug)]
struct PeerRule {
    listener: Option<String>,
    net: Option<IpNet>,
    source: SourceId,
}

impl PeerRule {
    fn fits(&self, listener: &str, peer: IpAddr) -> bool {
        self.listener.as_deref().is_none_or(|own| own == listener)
            && self.net.is_none_or(|net| net.contains(&peer))
    }

    /// The narrowest rule wins: the longer network, then the one that names a listener.
    fn narrowness(&self) -> (Option<u8>, bool) {
        (self.net.map(|net| net.prefix_len()), self.listener.is_some())
    }
}

/// The registry at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    bindings: BTreeMap<SourceId, Arc<SourceBinding>>,
    tokens: Vec<(Digest, SourceId)>,
    peers: Vec<PeerRule>,
    systems: BTreeMap<SystemId, Arc<System>>,
    tree: AgencyTree,
}

impl Snapshot {
    fn new(tree: AgencyTree, systems: Vec<System>, sources: Vec<LogSource>) -> Self {
        let mut snapshot = Self {
            tree,
            systems: systems.into_iter().map(|system| (system.id, Arc::new(system))).collect(),
            ..Self::default()
        };
        for source in sources {
            snapshot.add(source);
        }
        snapshot.peers.sort_by_key(|rule| std::cmp::Reverse(rule.narrowness()));
        snapshot
    }

    fn add(&mut self, source: LogSource) {
        let system = source.system.and_then(|id| self.systems.get(&id));
        let agency = self.tree.get(source.agency);
        let phone = system
            .map(|system| system.duty_phone.as_str())
            .filter(|phone| !phone.is_empty())
            .or_else(|| agency.map(|agency| agency.night_phone()));
        let binding = SourceBinding {
            origin: Origin { agency: source.agency, system: source.system, source: source.id },
            code: source.code,
            name: source.name,
            kind: source.kind,
            parser: source.parser,
            utc_offset_minutes: source.utc_offset_minutes,
            level: system.and_then(|system| system.level),
            silence_after_s: source.silence_after_s,
            enabled: source.enabled,
            created_at: source.created_at,
            agency_name: self.tree.name(source.agency).to_owned(),
            system_name: system.map(|system| system.name.clone()),
            in_use: system.is_none_or(|system| system.state == SystemState::Running),
            duty_phone: phone.unwrap_or_default().to_owned(),
            path: source.path,
        };
        self.bindings.insert(source.id, Arc::new(binding));
        if !source.enabled {
            return;
        }
        if let Some(stored) = source.token_hash.and_then(|text| stored_digest(&text)) {
            self.tokens.push((stored, source.id));
        }
        if source.kind == SourceKind::Syslog {
            let rule = |net| PeerRule { listener: source.listener.clone(), net, source: source.id };
            if source.peers.is_empty() {
                self.peers.push(rule(None));
            }
            self.peers.extend(source.peers.iter().map(|net| rule(Some(*net))));
        }
    }

    /// Returns what is known of a source, also one that is switched off.
    pub fn binding(&self, source: SourceId) -> Option<&Arc<SourceBinding>> {
        self.bindings.get(&source)
    }

    /// Returns all sources, by id.
    pub fn bindings(&self) -> impl Iterator<Item = &Arc<SourceBinding>> {
        self.bindings.values()
    }

    /// Returns the source whose token this is. Every stored digest is compared, in a time that tells
    /// nothing about them.
    pub fn by_token(&self, token: &str) -> Option<SourceId> {
        let presented = digest(token);
        self.tokens.iter().fold(
            None,
            |found, (stored, source)| {
                if same(stored, &presented) { Some(*source) } else { found }
            },
        )
    }

    /// Returns the source that sends from this address to this listener; the narrowest rule wins.
    pub fn by_listener(&self, listener: &str, peer: IpAddr) -> Option<SourceId> {
        let peer = peer.to_canonical();
        self.peers.iter().find(|rule| rule.fits(listener, peer)).map(|rule| rule.source)
    }

    /// Returns the files to follow.
    pub fn files(&self) -> Vec<(SourceId, String)> {
        self.bindings
            .values()
            .filter(|binding| binding.enabled)
            .filter_map(|binding| Some((binding.origin.source, binding.path.clone()?)))
            .collect()
    }

    /// Returns the agency tree.
    pub const fn tree(&self) -> &AgencyTree {
        &self.tree
    }

    /// Returns a system.
    pub fn system(&self, id: SystemId) -> Option<&Arc<System>> {
        self.systems.get(&id)
    }

    /// Returns all systems, by id.
    pub fn systems(&self) -> impl Iterator<Item = &Arc<System>> {
        self.systems.values()
    }

    /// Returns the systems that have a source switched on.
    pub fn watched(&self) -> BTreeSet<SystemId> {
        self.bindings
            .values()
            .filter(|binding| binding.enabled)
            .filter_map(|binding| binding.origin.system)
            .collect()
    }

    /// Returns the systems in use, of level 3 and above, that no source watches: "chưa có nguồn log".
    pub fn unwatched(&self, scope: &Scope) -> Vec<Arc<System>> {
        let watched = self.watched();
        let important = |system: &System| system.level.is_some_and(|level| level.number() >= 3);
        self.systems
            .values()
            .filter(|system| system.state == SystemState::Running && important(system))
            .filter(|system| !watched.contains(&system.id) && scope.sees(system.agency))
            .cloned()
            .collect()
    }
}

fn stored_digest(text: &str) -> Option<Digest> {
    hex::decode(text).ok()?.try_into().ok()
}

/// The registry in memory. Readers take a [`Snapshot`] without waiting.
#[derive(Debug, Default)]
pub struct Directory(ArcSwap<Snapshot>);

impl Directory {
    /// Reads the registry into memory.
    pub async fn load(db: &Db) -> Result<Self, DbError> {
        let directory = Self::default();
        directory.reload(db).await?;
        Ok(directory)
    }

    /// Reads the registry again: after every change.
    pub async fn reload(&self, db: &Db) -> Result<(), DbError> {
        let all = Scope::platform();
        let agencies = agency::all(db.conn(), &all).await?;
        let tree = AgencyTree::new(agencies, agency::former_names(db.conn(), None).await?);
        let systems = system::all(db.conn(), &all).await?;
        let sources = source::all(db.conn(), &all).await?;
        self.0.store(Arc::new(Snapshot::new(tree, systems, sources)));
        Ok(())
    }

    /// Returns the registry as it is now; keep it for one batch, not longer.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }
}
