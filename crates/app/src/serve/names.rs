//! What alerts, incidents and the duty page show of the registry and of people: look-ups in memory,
//! because pages are complete before they render.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use db::{Db, DbError};
use event::lake::Beside;
use event::{AccountId, AgencyId, Clock, Level, Scope, SourceId, SystemId};
use ipnet::IpNet;
use registry::affected::Criteria;
use registry::law::{Law, Word};
use registry::{AgencyKind, HealthBook, Status};
use respond::{
    AffectedError, AffectedSystem, AgencyCard, AgencyGroup, Concerned, Coverage, MinuteCount,
    Named, SilentSource, SystemCard,
};
use tokio_util::sync::CancellationToken;
use web::identity::Person;
use web::{Lang, Permission};

/// Names from the registry, the health book and the accounts.
#[derive(Debug)]
pub(crate) struct Names {
    db: Db,
    pub(crate) registry: Arc<registry::Directory>,
    pub(crate) health: Arc<HealthBook>,
    pub(crate) clock: Arc<dyn Clock>,
    people: ArcSwap<Vec<Person>>,
    /// Events per minute and agency of the past day, as old as [`DAY_EVERY`].
    day: ArcSwap<Vec<(DateTime<Utc>, AgencyId, u64)>>,
}

/// How old the list of people may be.
const PEOPLE_EVERY: Duration = Duration::from_secs(5);

/// How old the day's counts may be: a chart of a day does not change faster.
const DAY_EVERY: Duration = Duration::from_secs(15);

impl Names {
    /// Returns the names, with everyone who has an account.
    pub(crate) async fn load(
        db: &Db,
        clock: Arc<dyn Clock>,
        registry: Arc<registry::Directory>,
        health: Arc<HealthBook>,
    ) -> Result<Self, DbError> {
        let people = ArcSwap::from_pointee(web::identity::people(db).await?);
        let day = registry::events_per_minute(db, clock.now() - TimeDelta::days(1)).await?;
        let (db, day) = (db.clone(), ArcSwap::from_pointee(day));
        Ok(Self { db, registry, health, clock, people, day })
    }

    /// Keeps the list of people and the day's counts fresh until `stop`.
    pub(crate) async fn watch(self: Arc<Self>, db: Db, stop: CancellationToken) {
        let mut people = tokio::time::interval(PEOPLE_EVERY);
        let mut day = tokio::time::interval(DAY_EVERY);
        loop {
            let looked = tokio::select! {
                _ = people.tick() => self.look_at_people(&db).await,
                _ = day.tick() => self.look_at_day(&db).await,
                () = stop.cancelled() => return,
            };
            if let Err(error) = looked {
                tracing::warn!(error = web::chain(&error), "names and counts stay as they were");
            }
        }
    }

    async fn look_at_people(&self, db: &Db) -> Result<(), DbError> {
        self.people.store(Arc::new(web::identity::people(db).await?));
        Ok(())
    }

    /// Returns the people who see this agency and may do this, by name.
    fn who_may(&self, agency: AgencyId, may: Permission) -> Vec<Named> {
        let snapshot = self.registry.snapshot();
        let answers = |person: &&Person| {
            let here = person.role.sees_province()
                || person.agency.is_some_and(|own| snapshot.tree().subtree(own).contains(&agency));
            person.active && here && person.role.may(may)
        };
        let people = self.people.load();
        let named = people.iter().filter(answers);
        by_name(
            named
                .map(|person| Named { id: person.account.to_string(), name: person.name.clone() })
                .collect(),
        )
    }

    async fn look_at_day(&self, db: &Db) -> Result<(), DbError> {
        let since = self.clock.now() - TimeDelta::days(1);
        self.day.store(Arc::new(registry::events_per_minute(db, since).await?));
        Ok(())
    }
}

/// Reads what was typed.
fn criteria(typed: &Concerned) -> Result<Criteria, AffectedError> {
    let address = match typed.address.trim() {
        "" => None,
        text => {
            let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            Some(net.map_err(|_| AffectedError::Field("address"))?)
        }
    };
    let level_min = match typed.level.trim() {
        "" => None,
        text => {
            let level = text.parse().ok().and_then(Level::new);
            Some(level.ok_or(AffectedError::Field("level"))?)
        }
    };
    Ok(Criteria {
        product: typed.product.clone(),
        domain: typed.domain.clone(),
        address,
        sector: typed.sector.clone(),
        level_min,
    })
}

fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn by_name(mut named: Vec<Named>) -> Vec<Named> {
    named.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    named
}

#[async_trait]
impl respond::Directory for Names {
    fn system(&self, id: SystemId) -> Option<SystemCard> {
        let snapshot = self.registry.snapshot();
        let system = snapshot.system(id)?;
        let agency = snapshot.tree().get(system.agency);
        let phone = given(&system.duty_phone).or_else(|| given(agency?.night_phone()));
        let addresses = system.domains.iter().cloned();
        Some(SystemCard {
            id: id.to_string(),
            name: system.name.clone(),
            level: system.level,
            agency: snapshot.tree().name(system.agency).to_owned(),
            agency_id: system.agency.to_string(),
            operator: given(&system.operator),
            contact: given(&system.owner_contact),
            phone,
            addresses: addresses.chain(system.ip_ranges.iter().map(ToString::to_string)).collect(),
        })
    }

    fn agency(&self, id: AgencyId) -> Option<AgencyCard> {
        let snapshot = self.registry.snapshot();
        let agency = snapshot.tree().get(id)?;
        Some(AgencyCard {
            id: id.to_string(),
            name: agency.name.clone(),
            contact: given(&agency.email),
            phone: given(agency.night_phone()),
        })
    }

    fn agency_name_on(&self, id: AgencyId, at: DateTime<Utc>) -> Option<String> {
        let snapshot = self.registry.snapshot();
        snapshot.tree().get(id)?;
        Some(snapshot.tree().name_on(id, at).to_owned())
    }

    fn source_name(&self, id: SourceId) -> Option<String> {
        self.registry.snapshot().binding(id).map(|binding| binding.name.clone())
    }

    fn person_name(&self, id: AccountId) -> Option<String> {
        let people = self.people.load();
        people.iter().find(|person| person.account == id).map(|person| person.name.clone())
    }

    fn systems(&self, scope: &Scope) -> Vec<Named> {
        let snapshot = self.registry.snapshot();
        let seen = snapshot.systems().filter(|system| scope.sees(system.agency));
        by_name(
            seen.map(|system| Named { id: system.id.to_string(), name: system.name.clone() })
                .collect(),
        )
    }

    fn agencies(&self, scope: &Scope) -> Vec<Named> {
        let snapshot = self.registry.snapshot();
        let seen = snapshot.tree().iter().filter(|agency| scope.sees(agency.id));
        by_name(
            seen.map(|agency| Named { id: agency.id.to_string(), name: agency.name.clone() })
                .collect(),
        )
    }

    fn agency_groups(&self, scope: &Scope) -> Vec<AgencyGroup> {
        let snapshot = self.registry.snapshot();
        let mut groups: BTreeMap<AgencyKind, Vec<Named>> = BTreeMap::new();
        for agency in snapshot.tree().iter() {
            if scope.sees(agency.id) && agency.valid_to.is_none() {
                let named = Named { id: agency.id.to_string(), name: agency.name.clone() };
                groups.entry(agency.kind).or_default().push(named);
            }
        }
        groups
            .into_iter()
            .map(|(kind, members)| AgencyGroup {
                word: kind.word().to_owned(),
                key: kind.key(),
                members: by_name(members),
            })
            .collect()
    }

    fn people(&self, agency: AgencyId) -> Vec<Named> {
        self.who_may(agency, Permission::AlertHandle)
    }

    fn participants(&self, agency: AgencyId) -> Vec<Named> {
        self.who_may(agency, Permission::IncidentJoin)
    }

    fn silent(&self, scope: &Scope) -> Vec<SilentSource> {
        let snapshot = self.registry.snapshot();
        let silent = self.health.silent(&snapshot, scope, self.clock.now());
        silent
            .into_iter()
            .map(|silence| {
                let binding = &silence.binding;
                let system = binding.origin.system.and_then(|id| snapshot.system(id));
                let place = binding.system_name.as_ref().unwrap_or(&binding.agency_name);
                SilentSource {
                    id: binding.origin.source.to_string(),
                    name: binding.name.clone(),
                    place: place.clone(),
                    last_at: silence.ever_heard.then_some(silence.since),
                    contact: system.and_then(|system| given(&system.owner_contact)),
                    phone: given(&binding.duty_phone),
                }
            })
            .collect()
    }

    fn coverage(&self, scope: &Scope, level: Level) -> Coverage {
        let snapshot = self.registry.snapshot();
        let now = self.clock.now();
        let mut coverage = Coverage::default();
        for system in snapshot.systems() {
            let counts = system.state == registry::system::SystemState::Running
                && system.level.is_some_and(|own| own >= level)
                && scope.sees(system.agency);
            if !counts {
                continue;
            }
            coverage.all += 1;
            let live = snapshot.bindings().any(|binding| {
                binding.origin.system == Some(system.id)
                    && self.health.of(binding.origin.source, now).status(binding, now)
                        == Status::Live
            });
            coverage.live += u64::from(live);
        }
        coverage
    }

    fn register(&self, scope: &Scope) -> Vec<Beside> {
        super::register_tables::tables(&self.registry.snapshot(), scope)
    }

    async fn affected(
        &self,
        scope: &Scope,
        concerned: &Concerned,
    ) -> Result<Vec<AffectedSystem>, AffectedError> {
        let criteria = criteria(concerned)?;
        let snapshot = self.registry.snapshot();
        let found = registry::affected::affected(&self.db, &snapshot, scope, &criteria).await?;
        let card = |own: registry::affected::Affected| {
            let system = snapshot.system(own.system)?;
            Some(AffectedSystem {
                id: own.system.to_string(),
                name: system.name.clone(),
                level: system.level,
                agency_id: own.agency.to_string(),
                agency: snapshot.tree().name(own.agency).to_owned(),
                why: own.why,
            })
        };
        Ok(found.into_iter().filter_map(card).collect())
    }

    async fn owned(&self, hosts: &[String]) -> Result<Vec<Option<(String, String)>>, DbError> {
        registry::owned::owned(&self.db, &self.registry.snapshot(), hosts).await
    }

    fn sectors(&self, lang: Lang) -> Vec<Named> {
        let law = Law::builtin();
        let today = web::figures::vietnam(self.clock.now()).date_naive();
        let named = |word: &Word| Named {
            id: word.id.clone(),
            name: law.name("sector", &word.id, lang).to_owned(),
        };
        law.words("sector", today).map(named).collect()
    }

    async fn minutes(&self, scope: &Scope, since: DateTime<Utc>) -> Vec<MinuteCount> {
        let mut counts: Vec<MinuteCount> = Vec::new();
        for (minute, agency, events) in self.day.load().iter() {
            if *minute < since || !scope.sees(*agency) {
                continue;
            }
            match counts.last_mut() {
                Some(last) if last.minute == *minute => last.events += events,
                _ => counts.push(MinuteCount { minute: *minute, events: *events }),
            }
        }
        counts
    }
}

/// The agency tree as identity asks it.
#[derive(Debug)]
pub(crate) struct Tree(pub(crate) Arc<registry::Directory>);

impl web::identity::AgencyTree for Tree {
    fn subtree(&self, agency: AgencyId) -> std::collections::BTreeSet<AgencyId> {
        self.0.snapshot().tree().subtree(agency)
    }

    fn choices(&self) -> Vec<(AgencyId, String)> {
        let snapshot = self.0.snapshot();
        let mut choices: Vec<_> =
            snapshot.tree().iter().map(|agency| (agency.id, agency.name.clone())).collect();
        choices.sort_by_key(|choice| choice.1.clone());
        choices
    }
}
