//! A rule's condition over atoms: what is left of it once text became automata.

/// A condition over the atoms of one program.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    /// A text atom: the automata have already said whether it was seen.
    Atom(usize),
    /// A test that is made only when a rule needs it.
    Late(usize),
    /// Always or never.
    Known(bool),
}

/// What must be seen before a rule can fire at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trigger {
    /// This atom.
    Atom(usize),
    /// A field being there.
    Field(usize),
}

/// How likely a trigger is to go off in vain; only the order matters.
pub(super) type Cost = u64;

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

    /// Returns whether the expression holds.
    pub(super) fn holds(
        &self,
        atom: &impl Fn(usize) -> bool,
        late: &impl Fn(usize) -> bool,
    ) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(atom, late)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(atom, late)),
            Self::Not(inside) => !inside.holds(atom, late),
            Self::Atom(id) => atom(*id),
            Self::Late(id) => late(*id),
            Self::Known(known) => *known,
        }
    }

    /// Returns the cheapest set of triggers of which one must go off for the expression to hold;
    /// `None` if it may hold without any.
    pub(super) fn witness(
        &self,
        atom_cost: &impl Fn(usize) -> Cost,
        late_trigger: &impl Fn(usize) -> Option<(Cost, Trigger)>,
    ) -> Option<(Cost, Vec<Trigger>)> {
        match self {
            Self::Known(true) | Self::Not(_) => None,
            Self::Known(false) => Some((0, Vec::new())),
            Self::Atom(id) => Some((atom_cost(*id), vec![Trigger::Atom(*id)])),
            Self::Late(id) => late_trigger(*id).map(|(cost, trigger)| (cost, vec![trigger])),
            Self::All(parts) => parts
                .iter()
                .filter_map(|part| part.witness(atom_cost, late_trigger))
                .min_by_key(|(cost, _)| *cost),
            Self::Any(parts) => {
                let mut total: Cost = 0;
                let mut triggers = Vec::new();
                for part in parts {
                    let (cost, more) = part.witness(atom_cost, late_trigger)?;
                    total = total.saturating_add(cost);
                    triggers.extend(more);
                }
                Some((total, triggers))
            }
        }
    }
}
