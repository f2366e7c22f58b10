//! A rule's condition over leaves: what is left of it once every question is numbered.
//!
//! The numbers are those of the table the expression was made with: all leaves of the rule set
//! ([`super::leaf`]), or the leaves of one program.

/// A condition over numbered leaves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Leaf(usize),
    /// Always or never.
    Known(bool),
}

/// What must be seen before a rule can fire at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trigger {
    /// This leaf, found in a value.
    Leaf(usize),
    /// A value in the field that this leaf asks about.
    FieldOf(usize),
}

/// How likely a trigger is to go off in vain; only the order matters.
pub(super) type Cost = u64;

/// What is known of a leaf. A record that was not read whole leaves some of them open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
    Open,
}

impl From<bool> for Answer {
    fn from(known: bool) -> Self {
        if known { Self::Yes } else { Self::No }
    }
}

impl Expression {
    /// Returns the expression without needless layers.
    pub(super) fn all(parts: Vec<Self>) -> Self {
        if parts.contains(&Self::Known(false)) {
            return Self::Known(false);
        }
        Self::join(parts, true)
    }

    /// Returns the expression without needless layers.
    pub(super) fn any(parts: Vec<Self>) -> Self {
        if parts.contains(&Self::Known(true)) {
            return Self::Known(true);
        }
        Self::join(parts, false)
    }

    fn join(parts: Vec<Self>, all: bool) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::Known(_) => {}
                Self::All(inner) if all => flat.extend(inner),
                Self::Any(inner) if !all => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match (flat.pop(), flat.is_empty()) {
            (None, _) => Self::Known(all),
            (Some(only), true) => only,
            (Some(last), false) => {
                flat.push(last);
                if all { Self::All(flat) } else { Self::Any(flat) }
            }
        }
    }

    /// Returns the opposite.
    pub(super) fn not(self) -> Self {
        match self {
            Self::Known(known) => Self::Known(!known),
            Self::Not(inside) => *inside,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Puts the parts that hold one of some leaves behind those that hold none; returns whether it holds
    /// one itself.
    pub(super) fn put_last(&mut self, leaves: &impl Fn(usize) -> bool) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                let mut holding = Vec::new();
                let mut others = Vec::with_capacity(parts.len());
                for mut part in parts.drain(..) {
                    let holds = part.put_last(leaves);
                    if holds { &mut holding } else { &mut others }.push(part);
                }
                let holds = !holding.is_empty();
                others.append(&mut holding);
                *parts = others;
                holds
            }
            Self::Not(inside) => inside.put_last(leaves),
            Self::Leaf(id) => leaves(*id),
            Self::Known(_) => false,
        }
    }

    /// Returns the expression with every leaf replaced.
    pub(super) fn map(&self, leaf: &mut impl FnMut(usize) -> Self) -> Self {
        match self {
            Self::All(parts) => Self::all(parts.iter().map(|part| part.map(leaf)).collect()),
            Self::Any(parts) => Self::any(parts.iter().map(|part| part.map(leaf)).collect()),
            Self::Not(inside) => inside.map(leaf).not(),
            Self::Leaf(id) => leaf(*id),
            Self::Known(known) => Self::Known(*known),
        }
    }

    /// Returns whether the expression is the other one once its leaves have the numbers that `id_of` says.
    pub(super) fn is_over(&self, id_of: &impl Fn(usize) -> Option<usize>, other: &Self) -> bool {
        match (self, other) {
            (Self::All(own), Self::All(parts)) | (Self::Any(own), Self::Any(parts)) => {
                own.len() == parts.len()
                    && own.iter().zip(parts).all(|(own, part)| own.is_over(id_of, part))
            }
            (Self::Not(own), Self::Not(inside)) => own.is_over(id_of, inside),
            (Self::Leaf(own), Self::Leaf(id)) => id_of(*own) == Some(*id),
            (Self::Known(own), Self::Known(known)) => own == known,
            _ => false,
        }
    }

    /// Returns whether the expression may hold, for all that is known.
    pub(super) fn may_hold(&self, leaf: &impl Fn(usize) -> Answer) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.may_hold(leaf)),
            Self::Any(parts) => parts.iter().any(|part| part.may_hold(leaf)),
            Self::Not(inside) => !inside.must_hold(leaf),
            Self::Leaf(id) => leaf(*id) != Answer::No,
            Self::Known(known) => *known,
        }
    }

    /// Returns whether the expression holds, whatever the open leaves turn out to be.
    pub(super) fn must_hold(&self, leaf: &impl Fn(usize) -> Answer) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.must_hold(leaf)),
            Self::Any(parts) => parts.iter().any(|part| part.must_hold(leaf)),
            Self::Not(inside) => !inside.may_hold(leaf),
            Self::Leaf(id) => leaf(*id) == Answer::Yes,
            Self::Known(known) => *known,
        }
    }

    /// Returns the cheapest set of triggers of which one must go off for the expression to hold;
    /// `None` if it may hold without any.
    pub(super) fn witness(
        &self,
        leaf: &impl Fn(usize) -> Option<(Cost, Trigger)>,
    ) -> Option<(Cost, Vec<Trigger>)> {
        match self {
            Self::Known(true) | Self::Not(_) => None,
            Self::Known(false) => Some((0, Vec::new())),
            Self::Leaf(id) => leaf(*id).map(|(cost, trigger)| (cost, vec![trigger])),
            Self::All(parts) => {
                parts.iter().filter_map(|part| part.witness(leaf)).min_by_key(|(cost, _)| *cost)
            }
            Self::Any(parts) => {
                let mut total: Cost = 0;
                let mut triggers = Vec::new();
                for part in parts {
                    let (cost, more) = part.witness(leaf)?;
                    total = total.saturating_add(cost);
                    triggers.extend(more);
                }
                Some((total, triggers))
            }
        }
    }
}
