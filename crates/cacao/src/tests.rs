//! Playbooks read, refused with the place, and followed: by hand, and over anything.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::flow::{self, Progress};
use crate::{Act, EXTENSION, Fault, Moment, Playbook, Problem, StepKind, read};

const RANSOMWARE: &str = include_str!("../../../content/playbooks/ransomware.json");

fn id(kind: &str, n: u32) -> String {
    format!("{kind}--00000000-0000-4000-8000-{n:012}")
}

fn action(n: u32, next: &str) -> (String, Value) {
    let step = json!({
        "type": "action", "name": format!("step {n}"), "on_completion": next,
        "commands": [{ "type": "manual", "command": "do" }], "agent": id("group", 90),
    });
    (id("action", n), step)
}

fn end(n: u32) -> (String, Value) {
    (id("end", n), json!({ "type": "end" }))
}

fn document(steps: impl IntoIterator<Item = (String, Value)>, first: &str) -> Value {
    let start = (id("start", 1), json!({ "type": "start", "on_completion": first }));
    let workflow: serde_json::Map<String, Value> = steps.into_iter().chain([start]).collect();
    json!({
        "type": "playbook", "spec_version": "cacao-2.0", "id": id("playbook", 7), "name": "P",
        "created_by": id("identity", 8), "created": "2026-11-27T00:00:00.000Z",
        "modified": "2026-11-27T00:00:00.000Z", "workflow_start": id("start", 1),
        "workflow": workflow, "agent_definitions": { id("group", 90): { "type": "group", "name": "IT" } },
    })
}

fn plain() -> Value {
    document([action(2, &id("end", 9)), end(9)], &id("action", 2))
}

fn taken(value: &Value) -> Playbook {
    read(value.to_string().as_bytes()).unwrap()
}

fn first_fault(value: &Value) -> (String, Problem) {
    let Fault { place, problem } = read(value.to_string().as_bytes()).unwrap_err().remove(0);
    (place, problem)
}

#[test]
fn a_playbook_says_who_what_under_which_law_and_until_when() {
    let playbook = read(RANSOMWARE.as_bytes()).unwrap();
    assert_eq!(playbook.name.vietnamese(), "Mã độc tống tiền");
    assert_eq!(playbook.categories, ["malware"]);
    let initial = playbook.steps.values().find(|step| {
        step.deadline.as_ref().is_some_and(|one| one.obligation.as_deref() == Some("initial"))
    });
    let initial = initial.unwrap();
    assert_eq!(initial.agent.vietnamese(), "Trưởng ca trực");
    assert!(initial.legal_basis.starts_with("Nghị định 331/2026/NĐ-CP"));
    let deadline = initial.deadline.as_ref().unwrap();
    assert_eq!((deadline.hours, deadline.from), (24, Moment::Detected));
    let acts: Vec<&str> =
        playbook.steps.values().filter_map(|step| step.act.as_ref()).map(Act::word).collect();
    for act in ["search", "block", "notify", "collect"] {
        assert!(acts.contains(&act), "{acts:?}");
    }
    let outline = playbook.outline();
    assert_eq!(outline.len(), playbook.steps.len());
    assert!(outline.iter().any(|line| line.depth == 1 && line.branch.as_deref() == Some("yes")));
}

#[test]
fn a_playbook_of_others_reads_without_our_extension() {
    let playbook = taken(&plain());
    let step = &playbook.steps[&id("action", 2)];
    assert_eq!((step.agent.en.as_str(), step.name.vietnamese()), ("IT", "step 2"));
    assert_eq!((step.act.as_ref(), step.deadline.as_ref()), (None, None));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let workflow = |id: &str| format!("/workflow/{id}");
    let with = |change: &dyn Fn(&mut Value)| {
        let mut value = plain();
        change(&mut value);
        first_fault(&value)
    };
    let step = id("action", 2);
    let missing = |what: &str| Problem::Missing(what.to_owned());
    assert_eq!(with(&|v| v["type"] = json!("bundle")), ("/type".into(), Problem::Not("playbook")));
    let old = with(&|v| v["spec_version"] = json!("cacao-1.1"));
    assert_eq!(old, ("/spec_version".into(), Problem::Version("cacao-1.1".into())));
    let nameless = with(&|v| drop(v.as_object_mut().unwrap().remove("name")));
    assert_eq!(nameless, (String::new(), missing("name")));
    assert_eq!(with(&|v| v["name"] = json!(1)), ("/name".into(), Problem::Not("string")));
    assert_eq!(
        with(&|v| v["id"] = json!("playbook--1")),
        ("/id".into(), Problem::Not("identifier"))
    );
    let local = with(&|v| v["modified"] = json!("2026-11-27T07:00:00+07:00"));
    assert_eq!(local, ("/modified".into(), Problem::Not("timestamp")));
    let nowhere = with(&|v| v["workflow"][&step]["on_completion"] = json!(id("end", 77)));
    assert_eq!(nowhere, (workflow(&step), Problem::NoStep(id("end", 77))));
    let round = with(&|v| v["workflow"][&step]["on_completion"] = json!(step));
    assert!(matches!(round, (_, Problem::Loop)), "{round:?}");
    let both = with(&|v| v["workflow"][&step]["on_failure"] = json!(id("end", 9)));
    assert_eq!(both, (workflow(&step), Problem::TwoWays));
    let kind = with(&|v| v["workflow"][&step]["type"] = json!("dance"));
    assert_eq!(kind.1, Problem::Type("dance".into()));
    let after = with(&|v| v["workflow"][&id("end", 9)]["on_completion"] = json!(step));
    assert_eq!(after, (workflow(&id("end", 9)), Problem::AfterEnd));
    let act = with(&|v| {
        v["workflow"][&step]["step_extensions"] = json!({ EXTENSION: { "act": "explode" } });
    });
    let place = format!("/workflow/{step}/step_extensions/{EXTENSION}/act");
    assert_eq!(act, (place, Problem::Unknown("explode".into())));
}

#[test]
fn text_that_is_no_json_or_says_two_things_at_once_is_refused_with_line_and_column() {
    let fault = |text: &str| read(text.as_bytes()).unwrap_err().remove(0);
    let twice = fault("{\n \"type\": \"playbook\",\n \"type\": \"playbook\"\n}");
    assert!(twice.place.starts_with("3:"), "{twice}");
    assert_eq!(twice.problem, Problem::Json("the key `type` stands twice".to_owned()));
    assert!(fault("{\"a\": 1e300}").problem.detail().contains("number too large"));
    assert!(
        fault(&format!("{}{}", "[".repeat(40), "]".repeat(40))).problem.detail().contains("deep")
    );
    assert!(fault(&format!("[{}1]", "1,".repeat(60_000))).problem.detail().contains("too many"));
    assert_eq!(fault(&" ".repeat(2 * 1024 * 1024)).problem, Problem::TooLarge);
    assert_eq!(fault("[]").problem, Problem::Not("object"));
    assert!(read(format!("\u{feff}{}", plain()).as_bytes()).is_ok());
}

#[test]
fn branches_at_the_same_time_share_no_step() {
    let both = json!({
        "type": "parallel", "on_completion": id("end", 9),
        "next_steps": [id("action", 2), id("action", 3)],
    });
    let shared = [
        (id("parallel", 5), both),
        action(2, &id("action", 4)),
        action(3, &id("action", 4)),
        action(4, &id("end", 8)),
        end(8),
        end(9),
    ];
    let fault = first_fault(&document(shared, &id("parallel", 5)));
    assert_eq!(
        fault,
        (format!("/workflow/{}", id("parallel", 5)), Problem::Joined(id("action", 4)))
    );
}

/// Opens what can be opened; returns the numbers of the steps.
fn opened(playbook: &Playbook, progress: &mut Progress) -> (Vec<String>, bool) {
    let advance = flow::advance(playbook, progress);
    let number = |id: &String| id.rsplit('-').next().unwrap().trim_start_matches('0').to_owned();
    (advance.opened.iter().map(number).collect(), advance.finished)
}

#[test]
fn a_step_opens_when_all_before_it_are_done() {
    let both = json!({
        "type": "parallel", "on_completion": id("action", 6),
        "next_steps": [id("action", 2), id("action", 4)],
    });
    let steps = [
        (id("parallel", 5), both),
        action(2, &id("action", 3)),
        action(3, &id("end", 7)),
        action(4, &id("end", 8)),
        action(6, &id("end", 9)),
        end(7),
        end(8),
        end(9),
    ];
    let playbook = taken(&document(steps, &id("parallel", 5)));
    let mut progress = Progress::new();
    assert_eq!(opened(&playbook, &mut progress), (vec!["2".into(), "4".into()], false));
    assert_eq!(opened(&playbook, &mut progress), (vec![], false), "nothing opens twice");
    flow::set_done(&mut progress, &id("action", 4), true);
    assert_eq!(opened(&playbook, &mut progress).0, [""; 0]);
    flow::set_done(&mut progress, &id("action", 2), true);
    assert_eq!(opened(&playbook, &mut progress).0, ["3"]);
    flow::set_done(&mut progress, &id("action", 3), true);
    assert_eq!(opened(&playbook, &mut progress), (vec!["6".into()], false));
    flow::set_done(&mut progress, &id("action", 6), true);
    assert_eq!(opened(&playbook, &mut progress), (vec![], true));
    flow::set_done(&mut progress, &id("action", 6), false);
    assert_eq!(opened(&playbook, &mut progress), (vec![], false), "opened again, it is not over");
}

#[test]
fn questions_choose_the_way_and_loops_ask_again() {
    let asks = json!({
        "type": "if-condition", "condition": "__a__:value = 'true'", "on_true": id("action", 2),
        "on_completion": id("while-condition", 6),
    });
    let again = json!({
        "type": "while-condition", "condition": "__b__:value = 'true'", "on_true": id("action", 3),
        "on_completion": id("end", 9),
    });
    let steps = [
        (id("if-condition", 5), asks),
        (id("while-condition", 6), again),
        action(2, &id("end", 7)),
        action(3, &id("end", 8)),
        end(7),
        end(8),
        end(9),
    ];
    let playbook = taken(&document(steps, &id("if-condition", 5)));
    let (question, again) = (id("if-condition", 5), id("while-condition", 6));
    let mut progress = Progress::new();
    assert_eq!(opened(&playbook, &mut progress).0, ["5"]);
    assert!(!flow::answer(&playbook, &mut progress, &question, "maybe"));
    assert!(!flow::answer(&playbook, &mut progress, &again, "yes"), "not asked yet");
    assert!(flow::answer(&playbook, &mut progress, &question, "no"));
    assert!(!flow::answer(&playbook, &mut progress, &question, "yes"), "answered");
    assert_eq!(opened(&playbook, &mut progress).0, ["6"]);
    for round in 1..=3 {
        assert!(flow::answer(&playbook, &mut progress, &again, "yes"));
        assert_eq!(opened(&playbook, &mut progress).0, ["3"]);
        flow::set_done(&mut progress, &id("action", 3), true);
        assert_eq!(opened(&playbook, &mut progress).0, ["6"], "asked once more");
        assert_eq!(progress[&again].rounds, round);
    }
    assert!(flow::answer(&playbook, &mut progress, &again, "no"));
    assert_eq!(opened(&playbook, &mut progress), (vec![], true));
}

proptest! {
    #[test]
    fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        drop(read(&bytes));
    }

    /// A good playbook with one value replaced reads, or says what is wrong.
    #[test]
    fn no_change_breaks_the_reader_or_the_run(
        at in 0..2_000_usize, with in prop_oneof![
            Just(json!(null)), Just(json!([])), Just(json!({})), Just(json!("")), Just(json!(-1)),
            Just(json!(["x"])), Just(json!({ "": null })), Just(json!(id("end", 9))),
        ],
    ) {
        let mut value: Value = serde_json::from_str(RANSOMWARE).unwrap();
        let mut left = at;
        replace(&mut value, &mut left, &with);
        match read(value.to_string().as_bytes()) {
            Err(faults) => prop_assert!(!faults.is_empty()),
            Ok(playbook) => finish(&playbook),
        }
    }
}

fn replace(value: &mut Value, left: &mut usize, with: &Value) {
    if *left == 0 {
        value.clone_from(with);
        *left = usize::MAX;
        return;
    }
    if *left == usize::MAX {
        return;
    }
    *left -= 1;
    match value {
        Value::Array(all) => all.iter_mut().for_each(|one| replace(one, left, with)),
        Value::Object(all) => all.values_mut().for_each(|one| replace(one, left, with)),
        _ => {}
    }
}

/// Follows a playbook to its end, whatever it is: every question is answered with no.
fn finish(playbook: &Playbook) {
    let mut progress = Progress::new();
    for _ in 0..2_000 {
        let advance = flow::advance(playbook, &mut progress);
        if advance.finished {
            return;
        }
        for (id, step) in &playbook.steps {
            match &step.kind {
                StepKind::If { .. } | StepKind::While { .. } | StepKind::Switch { .. } => {
                    let answer = step.kind.answers().last().map(ToString::to_string);
                    if let Some(answer) = answer {
                        flow::answer(playbook, &mut progress, id, &answer);
                    }
                }
                _ => {
                    flow::set_done(&mut progress, id, true);
                }
            }
        }
        let stuck = playbook.steps.iter().any(|(id, step)| {
            progress.contains_key(id)
                && matches!(&step.kind, StepKind::Switch { cases, .. } if cases.is_empty())
        });
        if stuck {
            return;
        }
    }
    panic!("the run does not end");
}
