//! Telling people: who, by what, when, and how often. The clock is turned by hand, the ways out are ours.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use db::DbError;
use db::testing::TestDatabase;
use event::{AccountId, AgencyId, Level, Scope, Severity};
use parking_lot::Mutex;
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use uuid::Uuid;

use super::preference::Preference;
use super::*;
use crate::Role;
use crate::identity::{AgencyTree, console, people};

mod carrying;
mod telling;

/// Agency 1 has agency 2 below it; 3 stands beside.
#[derive(Debug)]
struct Tree;

fn agency(n: u128) -> AgencyId {
    AgencyId::from_uuid(Uuid::from_u128(0xa000 + n))
}

impl AgencyTree for Tree {
    fn subtree(&self, of: AgencyId) -> BTreeSet<AgencyId> {
        if of == agency(1) { [agency(1), agency(2)].into() } else { [of].into() }
    }

    fn choices(&self) -> Vec<(AgencyId, String)> {
        Vec::new()
    }
}

#[derive(Debug, Default)]
struct Fixed(OnCall);

#[async_trait]
impl Roster for Fixed {
    async fn on_call(&self, _: DateTime<Utc>) -> Result<OnCall, DbError> {
        Ok(self.0.clone())
    }
}

/// A way out that remembers what it took, and fails as told.
#[derive(Debug, Default)]
struct Way {
    taken: Mutex<Vec<Letter>>,
    tried: Mutex<Vec<Letter>>,
    fails: Mutex<Option<CarryError>>,
}

#[async_trait]
impl Carrier for Way {
    async fn carry(&self, letter: &Letter) -> Result<(), CarryError> {
        self.tried.lock().push(letter.clone());
        if let Some(error) = self.fails.lock().clone() {
            return Err(error);
        }
        self.taken.lock().push(letter.clone());
        Ok(())
    }
}

impl Way {
    fn fail(&self, with: Option<CarryError>) {
        *self.fails.lock() = with;
    }

    fn told(&self) -> Vec<(String, String)> {
        let taken = self.taken.lock();
        taken.iter().map(|letter| (letter.to.clone(), letter.subject.clone())).collect()
    }
}

fn down() -> CarryError {
    CarryError::Down { why: "connection refused".to_owned(), unsure: false }
}

pub(super) struct Office {
    pub(super) test: TestDatabase,
    mail: Arc<Way>,
    sms: Arc<Way>,
    pub(super) people: BTreeMap<&'static str, AccountId>,
    on_call: OnCall,
}

impl Office {
    pub(super) async fn open(
        test: TestDatabase,
        all: &[(&'static str, Role, Option<u128>)],
    ) -> Self {
        for (name, role, place) in all {
            let password = "tre xanh ben lang".to_owned();
            console::add(&test.db, name, name, *role, password).await.unwrap();
            if let Some(place) = place {
                let books = test.db.begin_bookkeeping().await.unwrap();
                let update = Query::update()
                    .table("account")
                    .value("agency_id", agency(*place).uuid())
                    .and_where(Expr::col("login").eq(*name))
                    .to_owned();
                books.conn().execute(&update).await.unwrap();
                books.commit().await.unwrap();
            }
        }
        let known = people(&test.db).await.unwrap();
        let id = |name: &str| known.iter().find(|one| one.name == name).unwrap().account;
        let people = all.iter().map(|(name, ..)| (*name, id(name))).collect();
        let (mail, sms) = (Arc::default(), Arc::default());
        let office = Self { test, mail, sms, people, on_call: OnCall::default() };
        for (name, ..) in all {
            let wants = Preference {
                email: format!("{name}@tinh.example"),
                phone: format!("+8490{name}"),
                ..Preference::default()
            };
            office.wants(name, &wants).await;
        }
        office
    }

    async fn wants(&self, name: &str, wants: &Preference) {
        let books = self.test.db.begin_bookkeeping().await.unwrap();
        let account = self.people[name].uuid();
        store::setup::keep_preference(books.conn(), account, wants).await.unwrap();
        books.commit().await.unwrap();
    }

    /// A postman as after a start.
    pub(super) fn postman(&self) -> Postman {
        let ways: BTreeMap<Channel, Arc<dyn Carrier>> = BTreeMap::from([
            (Channel::Email, self.mail.clone() as Arc<dyn Carrier>),
            (Channel::Sms, self.sms.clone() as Arc<dyn Carrier>),
        ]);
        let roster = Arc::new(Fixed(self.on_call.clone()));
        let heading = ("https://soc.tinh.example/", "Tỉnh Thử");
        Postman::new(self.test.db.clone(), Arc::new(Tree), roster).with_ways(
            ways,
            heading,
            TimeDelta::hours(24),
        )
    }

    pub(super) async fn raise(&self, notices: &[Notice]) {
        let books = self.test.db.begin_bookkeeping().await.unwrap();
        raise(books.conn(), &self.test.db, notices).await.unwrap();
        books.commit().await.unwrap();
    }

    fn pass(&self, minutes: i64) {
        self.test.clock.advance(TimeDelta::minutes(minutes));
    }

    async fn unread(&self, name: &str) -> u64 {
        let who = self.who(name);
        unread(&self.test.db, &who).await.unwrap()
    }

    fn who(&self, name: &str) -> Who {
        let account = self.people[name];
        let scope = Scope::province(account);
        Who { account, scope, ..crate::testing::who(Role::DutyOfficer) }
    }
}

pub(super) fn alert(n: u32, severity: Severity) -> Notice {
    Notice::new(Kind::AlertOpened, &n.to_string(), &format!("/alerts/{n}"))
        .number(&format!("CB-2026-{n:05}"))
        .weighed(severity, Level::new(3))
        .of_agency(agency(2))
}
