//! What a profile says, and which of it the level hangs on.

use chrono::{DateTime, NaiveDate, Utc};
use event::{AgencyId, SystemId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{AppError, FieldErrors, Phrase};

use crate::law::{Facts, Law};
use crate::limits;
use crate::text::{check_length, check_marks, clean};

/// Everything of a system that its dossier asks for. Words are those of the law's lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of the form, answered alone")]
pub struct Profile {
    /// What it is (`type`): one or more.
    pub types: Vec<String>,
    /// What it holds (`info_class`).
    pub info_classes: Vec<String>,
    /// Users inside the owner.
    pub users_internal: i64,
    /// Users among people and businesses.
    pub users_external: i64,
    /// Persons whose basic data it holds.
    pub subjects_basic: i64,
    /// Persons whose sensitive data it holds.
    pub subjects_sensitive: i64,
    /// Whether it handles administrative procedures.
    pub admin_procedures: bool,
    /// Whether its service is a conditional business.
    pub conditional_business: bool,
    /// Whether it serves defence or security.
    pub serves_security: bool,
    /// Whom its infrastructure serves (`infra_scope`).
    pub infra_scope: String,
    /// Grade of the works it controls (`works_grade`).
    pub works_grade: String,
    /// Harm of an incident (`harm`).
    pub harm: String,
    /// Whether state secrets are to be kept: then it does not belong here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub state_secrets: bool,
    /// Whether it is military, defence or cipher: then it does not belong here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub military: bool,
    /// The agency that runs it.
    #[schema(value_type = Option<String>)]
    pub operator_agency: Option<AgencyId>,
    /// The owner's specialised cybersecurity unit.
    pub specialised_unit: String,
    /// The owner's written delegation: number, scope, term.
    pub delegation: String,
    /// Where it stands (`hosting`).
    pub hosting: String,
    /// Address or room.
    pub hosting_place: String,
    /// Who rents it out.
    pub hosting_provider: String,
    /// End of the contract.
    pub hosting_until: Option<NaiveDate>,
    /// Network zones and addresses, one a line.
    pub zones: String,
    /// Services: name, server, purpose, one a line.
    pub services: String,
    /// Systems it depends on or exchanges data with, one a line.
    pub dependencies: String,
    /// Logical and physical model in words.
    pub model: String,
    /// Since when it is in use.
    pub in_use_since: Option<NaiveDate>,
    /// When it is to be switched off.
    pub retire_on: Option<NaiveDate>,
    /// Project or budget line.
    pub project: String,
    /// Where the money comes from (`funding`).
    pub funding: String,
    /// Whether several agencies use it.
    pub shared: bool,
    /// Field of a national or sector database (dân cư, đất đai …).
    pub database_field: String,
    /// Decree of the level (`regime`); empty takes the present one.
    pub regime: String,
    /// How far the plan is in place (`plan_state`).
    pub plan_state: String,
    /// When the level is to be approved.
    pub approval_due: Option<NaiveDate>,
    /// When the plan is to be wholly in place.
    pub plan_due: Option<NaiveDate>,
    /// The version that the change is made from; not kept in the facts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
}

impl Profile {
    /// Returns the lines that name what the system is made of: services, model, zones, dependencies.
    pub(crate) fn lines(&self) -> Vec<String> {
        let parts = [&self.services, &self.model, &self.zones, &self.dependencies];
        let lines = parts.into_iter().flat_map(|part| part.lines());
        lines.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    }
}

/// The profile of one system as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemProfile {
    /// The system.
    pub system: SystemId,
    /// What is known of it.
    pub facts: Profile,
    /// Whether it is on the list of systems critical to national security.
    pub critical: bool,
    /// Decision or reason of that.
    pub critical_note: String,
    /// Since when its level may have to be determined again.
    pub flagged_at: Option<DateTime<Utc>>,
    /// Which facts changed (names of fields).
    pub flag_reason: Vec<String>,
    /// When it was last changed.
    pub updated_at: Option<DateTime<Utc>>,
    /// Counts changes; 0 while nothing is kept.
    pub version: i32,
}

impl SystemProfile {
    /// Returns the profile of a system of which nothing is known.
    pub fn empty(system: SystemId) -> Self {
        Self {
            system,
            facts: Profile::default(),
            critical: false,
            critical_note: String::new(),
            flagged_at: None,
            flag_reason: Vec::new(),
            updated_at: None,
            version: 0,
        }
    }
}

impl Profile {
    /// Returns the facts that criteria of the level are about.
    pub fn level_facts(&self) -> Facts {
        let mut facts = Facts::default();
        let lists = [("type", &self.types), ("info", &self.info_classes)];
        for (list, words) in lists {
            for word in words {
                facts.say(format!("{list}:{word}"));
            }
        }
        let choices =
            [("scope", &self.infra_scope), ("works", &self.works_grade), ("harm", &self.harm)];
        for (list, word) in choices.into_iter().filter(|(_, word)| !word.is_empty()) {
            facts.say(format!("{list}:{word}"));
        }
        let flags = [
            ("admin_procedures", self.admin_procedures),
            ("conditional_business", self.conditional_business),
            ("serves_security", self.serves_security),
        ];
        for (word, _) in flags.into_iter().filter(|(_, is)| *is) {
            facts.say(word);
        }
        facts.count("subjects_basic", self.subjects_basic);
        facts.count("subjects_sensitive", self.subjects_sensitive);
        facts
    }

    /// Returns the names of the facts that differ and that the law wants the risk looked at again for
    /// (NĐ 331/2026, Điều 10.2: function, scope, users, data, technology, connections).
    pub(super) fn altering(&self, new: &Self) -> Vec<String> {
        let doubled = |old: i64, new: i64| new > old.saturating_mul(2) && new > 100;
        let differ = [
            ("types", self.types != new.types),
            ("info_classes", self.info_classes != new.info_classes),
            (
                "users",
                doubled(self.users_internal, new.users_internal)
                    || doubled(self.users_external, new.users_external),
            ),
            (
                "subjects",
                self.subjects_basic != new.subjects_basic
                    || self.subjects_sensitive != new.subjects_sensitive,
            ),
            (
                "function",
                self.admin_procedures != new.admin_procedures
                    || self.conditional_business != new.conditional_business
                    || self.serves_security != new.serves_security,
            ),
            (
                "scope",
                self.infra_scope != new.infra_scope
                    || self.works_grade != new.works_grade
                    || self.harm != new.harm,
            ),
            ("hosting", self.hosting != new.hosting),
            ("dependencies", self.dependencies != new.dependencies),
        ];
        let differ = differ.into_iter().filter(|(_, is)| *is);
        differ.map(|(name, _)| name.to_owned()).collect()
    }

    /// Returns the profile with tidy fields.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field that does not fit; a system that may not be kept here at
    /// all is refused with guidance.
    pub(super) fn checked(mut self, law: &Law) -> Result<Self, AppError> {
        let mut errors = FieldErrors::default();
        if self.state_secrets {
            errors.add("state_secrets", Phrase::key("profile-refused-secrets"));
        }
        if self.military {
            errors.add("military", Phrase::key("profile-refused-military"));
        }
        self.check_words(&mut errors, law);
        for (field, number) in [
            ("users_internal", self.users_internal),
            ("users_external", self.users_external),
            ("subjects_basic", self.subjects_basic),
            ("subjects_sensitive", self.subjects_sensitive),
        ] {
            if !(0..=1_000_000_000).contains(&number) {
                errors.add(field, Phrase::key("profile-number"));
            }
        }
        for (field, text) in self.texts() {
            *text = clean(text);
            check_length(&mut errors, field, text, limits::LONG_TEXT_CHARS_MAX);
            check_marks(&mut errors, field, text);
        }
        errors.check()?;
        Ok(self)
    }

    fn check_words(&self, errors: &mut FieldErrors, law: &Law) {
        let one = |word: &String| std::slice::from_ref(word).to_vec();
        let lists = [
            ("types", "type", self.types.clone()),
            ("info_classes", "info_class", self.info_classes.clone()),
            ("infra_scope", "infra_scope", one(&self.infra_scope)),
            ("works_grade", "works_grade", one(&self.works_grade)),
            ("harm", "harm", one(&self.harm)),
            ("hosting", "hosting", one(&self.hosting)),
            ("funding", "funding", one(&self.funding)),
            ("plan_state", "plan_state", one(&self.plan_state)),
        ];
        for (field, list, words) in lists {
            if words.iter().any(|word| !word.is_empty() && !law.knows(list, word)) {
                errors.add(field, Phrase::key("registry-field-choose"));
            }
        }
        if !self.regime.is_empty() && !law.regime.iter().any(|regime| regime.id == self.regime) {
            errors.add("regime", Phrase::key("registry-field-choose"));
        }
    }

    fn texts(&mut self) -> [(&'static str, &mut String); 10] {
        [
            ("specialised_unit", &mut self.specialised_unit),
            ("delegation", &mut self.delegation),
            ("hosting_place", &mut self.hosting_place),
            ("hosting_provider", &mut self.hosting_provider),
            ("zones", &mut self.zones),
            ("services", &mut self.services),
            ("dependencies", &mut self.dependencies),
            ("model", &mut self.model),
            ("project", &mut self.project),
            ("database_field", &mut self.database_field),
        ]
    }
}
