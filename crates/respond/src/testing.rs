//! What the tests of this crate stand on: a paper directory, paper rules and a seeded set of ids.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use db::DbError;
use db::testing::TestDatabase;
use event::lake::{Beside, MemoryLake};
use event::observable::Observable;
use event::{
    AccountId, AgencyId, AlertId, Attr, Attrs, Class, Entity, EntityKind, Event, EventId, Fields,
    Finding, IdSource, Level, LogSource, Match, Name, Origin, Scope, Severity, SourceId, SystemId,
    TimeQuality, Value,
};
use uuid::Uuid;
use web::approval::Approvals;

use crate::alert::{Alert, EventSample, Status};
use crate::directory::MinuteCount;
use crate::indicator::{Lookout, Refusal};
use crate::look_back::{Bench, Judge, Wanted};
use crate::obligation::Obligations;
use crate::rule::{BadRule, Hits, Learning, RuleCard, RuleCatalogue, RuleReadiness};
use crate::saved::{Arrivals, Owners};
use crate::{
    AffectedError, AffectedSystem, AgencyCard, AgencyGroup, Concerned, Coverage, Desk, Directory,
    Handler, Hub, Named, SilentSource, SystemCard,
};

pub(crate) const WEB_SHELL: &str = "11111111-aaaa-4000-8000-000000000001";

pub(crate) fn agency(n: u128) -> AgencyId {
    AgencyId::from_uuid(Uuid::from_u128(0xa000 + n))
}

pub(crate) fn system(n: u128) -> SystemId {
    SystemId::from_uuid(Uuid::from_u128(0xb000 + n))
}

pub(crate) fn account(n: u128) -> AccountId {
    AccountId::from_uuid(Uuid::from_u128(0xc000 + n))
}

pub(crate) fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(db::testing::START_UNIX_S, 0).unwrap() + TimeDelta::minutes(minutes)
}

/// The province's analyst.
pub(crate) fn analyst() -> Handler {
    let account = account(1);
    Handler { account, name: "Trần Minh".to_owned(), scope: Scope::province(account) }
}

/// Someone who sees one agency only.
pub(crate) fn officer(agency: AgencyId) -> Handler {
    let account = account(9);
    let scope = Scope::agencies(account, BTreeSet::from([agency]));
    Handler { account, name: "Lê An".to_owned(), scope }
}

/// Makes findings and events with ids that grow.
#[derive(Debug)]
pub(crate) struct Maker(IdSource);

impl Maker {
    pub(crate) fn new() -> Self {
        Self(IdSource::seeded(11))
    }

    pub(crate) fn event_id(&self, minutes: i64) -> EventId {
        self.0.event(at(minutes))
    }

    /// A web shell on system 1 of agency 1 (level 4), from 10.20.0.7.
    pub(crate) fn finding(&self, minutes: i64) -> Finding {
        let event = self.event_id(minutes);
        Finding {
            rule: WEB_SHELL.to_owned(),
            title: "Web shell spawns a command interpreter".to_owned(),
            title_vi: Some("Máy chủ web bị cài mã điều khiển từ xa".to_owned()),
            severity: Severity::High,
            tags: vec!["attack.t1505.003".to_owned()],
            event,
            events: vec![event],
            origin: Origin {
                agency: agency(1),
                system: Some(system(1)),
                source: SourceId::from_uuid(Uuid::from_u128(0xd001)),
            },
            occurred_at: at(minutes),
            entity: Entity { kind: EntityKind::SrcIp, value: "10.20.0.7".to_owned() },
            matched: vec![Match {
                selection: "selection".to_owned(),
                field: "Image".to_owned(),
                value: r"C:\Windows\System32\cmd.exe".to_owned(),
                pattern: r"*\cmd.exe".to_owned(),
                ..Match::default()
            }],
            count: 1,
        }
    }
}

/// The open alert that a finding is, by itself.
pub(crate) fn alert_of(finding: &Finding) -> Alert {
    let mut events = EventSample::default();
    events.push(finding.event);
    Alert {
        id: AlertId::from_uuid(finding.event.uuid()),
        number: "CB-2026-00001".to_owned(),
        rule: finding.rule.clone(),
        title: finding.title.clone(),
        title_vi: finding.title_vi.clone(),
        severity: finding.severity,
        level: None,
        tags: Vec::new(),
        agency: finding.origin.agency,
        system: finding.origin.system,
        source: finding.origin.source,
        entity: finding.entity.clone(),
        status: Status::New,
        assignee: None,
        incident: None,
        snoozed_until: None,
        matched: Vec::new(),
        findings: 1,
        events,
        first_at: finding.occurred_at,
        last_at: finding.occurred_at,
        detected_at: finding.occurred_at,
        changed_at: finding.occurred_at,
    }
}

/// The event that completes a finding.
pub(crate) fn event_of(finding: &Finding, user: &str) -> Event {
    let mut attrs = Attrs::default();
    attrs.set(Attr::User, user);
    let fields: Fields =
        [("Image", r"C:\Windows\System32\cmd.exe"), ("User", user)].into_iter().collect();
    Event {
        id: finding.event,
        origin: finding.origin,
        occurred_at: finding.occurred_at,
        time_quality: TimeQuality::Stated,
        collected_at: finding.occurred_at,
        class: Class::ProcessActivity,
        logsource: LogSource::default(),
        parser: Name::Borrowed("microsoft_windows"),
        attrs,
        fields,
        notes: Vec::new(),
        raw: format!("cmd.exe started by {user}"),
    }
}

/// A directory on paper: agencies 1 and 2, systems 1 (level 4, agency 1) and 2 (level 2, agency 2).
#[derive(Debug)]
pub(crate) struct PaperDirectory;

fn card(n: u128) -> SystemCard {
    SystemCard {
        id: system(n).to_string(),
        name: format!("Cổng dịch vụ công trực tuyến số {n} của Ủy ban nhân dân tỉnh"),
        level: Level::new(if n == 1 { 4 } else { 2 }),
        agency: format!("Sở Khoa học và Công nghệ {n}"),
        agency_id: agency(n).to_string(),
        operator: Some("VNPT".to_owned()),
        contact: Some("Nguyễn Thị Thanh Hằng".to_owned()),
        phone: Some("0912 345 678".to_owned()),
        addresses: vec!["dichvucong.example.gov.vn".to_owned()],
    }
}

#[async_trait]
impl Directory for PaperDirectory {
    fn system(&self, id: SystemId) -> Option<SystemCard> {
        (1..=2).find(|n| system(*n) == id).map(card)
    }

    fn agency_name_on(&self, id: AgencyId, _: DateTime<Utc>) -> Option<String> {
        self.agency(id).map(|card| card.name)
    }

    fn agency(&self, id: AgencyId) -> Option<AgencyCard> {
        (1..=2).find(|n| agency(*n) == id).map(|n| AgencyCard {
            id: id.to_string(),
            name: format!("Sở Khoa học và Công nghệ {n}"),
            contact: None,
            phone: Some("0983 000 111".to_owned()),
        })
    }

    fn source_name(&self, _: SourceId) -> Option<String> {
        Some("Windows DC1".to_owned())
    }

    fn person_name(&self, id: AccountId) -> Option<String> {
        (id == account(1)).then(|| "Trần Minh".to_owned())
    }

    fn systems(&self, scope: &Scope) -> Vec<Named> {
        let seen = (1..=2).filter(|n| scope.sees(agency(*n)));
        seen.map(|n| Named { id: system(n).to_string(), name: card(n).name }).collect()
    }

    fn agencies(&self, scope: &Scope) -> Vec<Named> {
        let seen = (1..=2).filter(|n| scope.sees(agency(*n)));
        seen.map(|n| Named { id: agency(n).to_string(), name: card(n).agency }).collect()
    }

    fn agency_groups(&self, scope: &Scope) -> Vec<AgencyGroup> {
        let (word, key) = ("department".to_owned(), "alert-agency");
        vec![AgencyGroup { word, key, members: self.agencies(scope) }]
    }

    fn people(&self, _: AgencyId) -> Vec<Named> {
        vec![Named { id: account(1).to_string(), name: "Trần Minh".to_owned() }]
    }

    fn participants(&self, _: AgencyId) -> Vec<Named> {
        let of = |n, name: &str| Named { id: account(n).to_string(), name: name.to_owned() };
        vec![of(9, "Lê An"), of(1, "Trần Minh")]
    }

    fn silent(&self, _: &Scope) -> Vec<SilentSource> {
        vec![SilentSource {
            id: Uuid::from_u128(0xd001).to_string(),
            name: "Cổng DVC".to_owned(),
            place: "Sở Khoa học và Công nghệ 1".to_owned(),
            last_at: Some(at(-90)),
            contact: None,
            phone: Some("0912 345 678".to_owned()),
        }]
    }

    fn coverage(&self, _: &Scope, _: Level) -> Coverage {
        Coverage { live: 1, all: 2 }
    }

    fn register(&self, _: &Scope) -> Vec<Beside> {
        Vec::new()
    }

    async fn affected(
        &self,
        scope: &Scope,
        concerned: &Concerned,
    ) -> Result<Vec<AffectedSystem>, AffectedError> {
        if concerned.address == "x" {
            return Err(AffectedError::Field("address"));
        }
        let fits =
            |n: &u128| concerned.product.is_empty() || (*n == 1 && concerned.product == "Cổng");
        let affected = |n: u128| AffectedSystem {
            id: system(n).to_string(),
            name: card(n).name,
            level: card(n).level,
            agency_id: agency(n).to_string(),
            agency: card(n).agency,
            why: concerned.product.clone(),
        };
        let seen = (1..=2).filter(|n| scope.sees(agency(*n)) && !concerned.is_empty());
        Ok(seen.filter(fits).map(affected).collect())
    }

    async fn owned(&self, hosts: &[String]) -> Result<Vec<Option<(String, String)>>, DbError> {
        let ours = |host: &String| {
            let own = host.ends_with("dichvucong.example.gov.vn");
            own.then(|| (card(1).name, "dichvucong.example.gov.vn".to_owned()))
        };
        Ok(hosts.iter().map(ours).collect())
    }

    fn sectors(&self, _: web::Lang) -> Vec<Named> {
        vec![Named { id: "finance".to_owned(), name: "Tài chính".to_owned() }]
    }

    async fn minutes(&self, _: &Scope, _: DateTime<Utc>) -> Vec<MinuteCount> {
        (-60..0).map(|n| MinuteCount { minute: at(n), events: 100 }).collect()
    }
}

/// One rule on paper.
#[derive(Debug)]
pub(crate) struct PaperRules;

fn rule() -> RuleCard {
    RuleCard {
        id: WEB_SHELL.to_owned(),
        title: "Web shell spawns a command interpreter".to_owned(),
        title_vi: Some("Máy chủ web bị cài mã điều khiển từ xa".to_owned()),
        description: "A web server process starts a shell.".to_owned(),
        level: Some(Severity::High),
        tags: vec!["attack.t1505.003".to_owned()],
        path: "rules/web/web_shell.yml".to_owned(),
        false_positives: vec!["Administration tools".to_owned()],
        ..RuleCard::default()
    }
}

impl RuleCatalogue for PaperRules {
    fn rules(&self) -> Vec<RuleCard> {
        vec![rule()]
    }

    fn rule(&self, id: &str) -> Option<RuleCard> {
        (id == WEB_SHELL).then(rule)
    }

    fn text(&self, id: &str) -> Option<String> {
        (id == WEB_SHELL).then(|| "title: Web shell\nid: …\n".to_owned())
    }

    fn bad(&self) -> Vec<BadRule> {
        vec![BadRule {
            path: "rules/x.yml".to_owned(),
            line: 3,
            column: 5,
            message: "unknown modifier `starts`".to_owned(),
            hint: Some("did you mean `startswith`?".to_owned()),
        }]
    }

    fn hits(&self) -> BTreeMap<String, Hits> {
        BTreeMap::from([(WEB_SHELL.to_owned(), Hits { count: 3, last_at: Some(at(-5)) })])
    }

    fn learning(&self) -> Vec<Learning> {
        let learning = |n: u128, learned: bool, is_on| Learning {
            baseline: WEB_SHELL.to_owned(),
            source: SourceId::from_uuid(Uuid::from_u128(0xd001 + n)),
            since: at(-900),
            events: (40, 1_000),
            parts: (2, 7),
            part_s: 86_400,
            learned_at: learned.then(|| at(-10)),
            is_on,
        };
        vec![learning(0, true, true), learning(1, false, true), learning(2, true, false)]
    }

    fn switch(&self, _switched: &[crate::rule::Switched]) {}

    fn coverage(&self, seen: &[(Event, u64)]) -> Vec<RuleReadiness> {
        let sources: Vec<SourceId> = seen.iter().map(|(event, _)| event.origin.source).collect();
        vec![RuleReadiness {
            rule: WEB_SHELL.to_owned(),
            status: if sources.is_empty() { "log_never_seen" } else { "can_fire" },
            logsource: rule().logsource,
            missing: Vec::new(),
            advice: sources.is_empty().then(|| crate::rule::FirstStep {
                vi: "Cài Sysmon.".to_owned(),
                en: "Install Sysmon.".to_owned(),
            }),
            sources,
        }]
    }

    fn try_rule(&self, text: &str, events: &[Event]) -> Result<Vec<Finding>, Vec<BadRule>> {
        if !text.starts_with("title:") {
            return Err(self.bad());
        }
        let maker = Maker::new();
        let found = |event: &Event| Finding {
            event: event.id,
            events: vec![event.id],
            origin: event.origin,
            occurred_at: event.occurred_at,
            ..maker.finding(0)
        };
        Ok(events.iter().map(found).collect())
    }
}

impl Bench for PaperRules {
    fn judge(&self, wanted: &Wanted) -> Result<(String, Box<dyn Judge>), Vec<BadRule>> {
        match wanted {
            Wanted::Text(text) if !text.starts_with("title:") => Err(self.bad()),
            Wanted::Rule(id) if id != WEB_SHELL => Err(Vec::new()),
            _ => Ok(("Web shell".to_owned(), Box::new(Self))),
        }
    }
}

impl Judge for PaperRules {
    fn judge(&mut self, events: &[Event]) -> Vec<Finding> {
        self.try_rule("title: Web shell", events).unwrap()
    }
}

/// A lookout on paper: one name is on a warning list, SHA-512 is not looked for.
#[derive(Debug, Default)]
pub(crate) struct PaperLookout;

impl Lookout for PaperLookout {
    fn refuses(&self, observable: &Observable) -> Option<Refusal> {
        match observable.host() {
            Some("github.com") => Some(Refusal::Warned("Nền tảng lớn".to_owned())),
            None if observable.value.len() == 128 => Some(Refusal::Unfit),
            _ => None,
        }
    }

    fn changed(&self) {}
}

/// Everyone may still have what they asked for, but account 99.
#[derive(Debug)]
pub(crate) struct Everyone;

#[async_trait]
impl Owners for Everyone {
    async fn scope(&self, account: AccountId) -> Result<Option<Scope>, DbError> {
        Ok((account != AccountId::from_uuid(Uuid::from_u128(99))).then(Scope::platform))
    }
}

/// A platform that may still be reading what a crash left.
#[derive(Debug, Default)]
pub(crate) struct Recovering(pub(crate) AtomicBool);

#[async_trait]
impl Arrivals for Recovering {
    async fn are_searchable(&self) -> bool {
        self.are_recovered()
    }

    fn are_recovered(&self) -> bool {
        !self.0.load(Ordering::SeqCst)
    }
}

/// Returns events like this one, with more different users among them than figures are held for.
pub(crate) fn with_many_users(event: &Event) -> Vec<Event> {
    const PER_EVENT: usize = 64;
    let events = event::query::GROUPS_MAX / PER_EVENT + 1;
    let with = |number: usize| {
        let user = |of: usize| Value::Text(format!("u{number}-{of}"));
        let mut one = event.clone();
        one.id = EventId::from_uuid(Uuid::from_u128(number as u128));
        one.attrs.set(Attr::User, Value::List((0..PER_EVENT).map(user).collect()));
        one
    };
    (0..events).map(with).collect()
}

/// A desk over this database, with these events in the lake.
pub(crate) fn desk(test: &TestDatabase, events: Vec<Event>) -> Desk {
    let desk = Desk {
        db: test.db.clone(),
        lake: Arc::new(MemoryLake::with(events)),
        directory: Arc::new(PaperDirectory),
        rules: Arc::new(PaperRules),
        bench: Arc::new(PaperRules),
        lookout: Arc::new(PaperLookout),
        approvals: Approvals::new(test.db.clone(), Vec::new()),
        obligations: Arc::new(Obligations::read([]).unwrap()),
        files: crate::Files::plain("/nonexistent/files"),
        time_stamps: None,
        hub: Hub::new(web::Live::default()),
        days: crate::duty::Days::default(),
    };
    let approvals = Approvals::new(test.db.clone(), crate::grave_acts(&desk));
    Desk { approvals, ..desk }
}
