//! Tests of processing pipelines: what a pipeline makes of a rule is what the rule would be if it had
//! been written so.

use crate::{Pipeline, Placeholders, RuleFile, RuleSet};

fn pipeline(steps: &str) -> Pipeline {
    let text = format!("vars: {{ admins: [root, 'adm*'], one: 1 }}\ntransformations:\n{steps}");
    read(&text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

fn read(text: &str) -> Result<Pipeline, String> {
    Pipeline::read(RuleFile { path: "p.yml", text })
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn compile(detection: &str, pipelines: &[Pipeline]) -> Result<RuleSet, String> {
    let text = format!(
        "title: t\nid: x\nlevel: high\nstatus: test\ntags: [attack.t1059]\nlicense: MIT\n\
         logsource: {{ product: windows, category: process_creation }}\n\
         detection: {{ {detection} }}\n"
    );
    let file = RuleFile { path: "r.yml", text: &text };
    let (rules, errors) = RuleSet::compile_all(&[file], &Placeholders::new(), pipelines);
    match errors.first() {
        None => Ok(rules),
        Some(error) => Err(error.to_string()),
    }
}

/// Returns what is searched for, as the programmer sees it.
fn search(rules: &RuleSet) -> String {
    let search = &rules.rules[0].search;
    let of_it = search.selections.iter().map(|(_, detection)| detection);
    format!("{:?} {:#?}", search.condition, of_it.collect::<Vec<_>>())
}

#[track_caller]
fn becomes(steps: &str, before: &str, after: &str) {
    let rules = compile(before, &[pipeline(steps)]).unwrap_or_else(|error| panic!("{error}"));
    let wanted = compile(after, &[]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(search(&rules), search(&wanted), "{steps}\n{before}");
}

#[test]
fn fields_get_new_names() {
    for (step, before, after) in [
        (
            "{ type: field_name_mapping, mapping: { A: B } }",
            "{ A|contains: x }",
            "{ B|contains: x }",
        ),
        (
            "{ type: field_name_mapping, mapping: { A: [B, C] } }",
            "{ A|contains|all: [x, y] }",
            "[ { B|contains|all: [x, y] }, { C|contains|all: [x, y] } ]",
        ),
        (
            "{ type: field_name_mapping, mapping: { B: C } }",
            "{ A|fieldref: B }",
            "{ A|fieldref: C }",
        ),
        (
            "{ type: field_name_mapping, mapping: { null: M } }",
            "[ x, y ]",
            "{ M|contains: [x, y] }",
        ),
        (
            "{ type: field_name_prefix_mapping, mapping: { win.: 'windows.' } }",
            "{ win.a: x, winb: y }",
            "{ windows.a: x, winb: y }",
        ),
        ("{ type: field_name_prefix, prefix: p. }", "{ A: x }", "{ p.A: x }"),
        (
            "{ type: field_name_suffix, suffix: .s }",
            "[ { A: x }, { B: y } ]",
            "[ { A.s: x }, { B.s: y } ]",
        ),
        (
            "{ type: field_name_suffix, suffix: .s, field_name_conditions: \
               [ { type: include_fields, fields: ['A.*'], mode: re } ] }",
            "{ AB: x, BA: y }",
            "{ AB.s: x, BA: y }",
        ),
        (
            "{ type: field_name_suffix, suffix: .s, field_name_conditions: \
               [ { type: exclude_fields, fields: [A] } ] }",
            "{ A: x, B: y }",
            "{ A: x, B.s: y }",
        ),
        (
            "{ type: hashes_fields, valid_hash_algos: [MD5, SHA1], field_prefix: File }",
            "{ Hashes|contains: ['MD5=0123456789abcdef0123456789abcdef', 'SHA1=AA', 'IMPHASH=1'] }",
            "[ { FileMD5: 0123456789abcdef0123456789abcdef }, { FileSHA1: AA } ]",
        ),
    ] {
        let detection = |own: &str| format!("s: {own}, condition: s");
        becomes(&format!("  - {step}\n"), &detection(before), &detection(after));
    }
}

#[test]
fn values_change() {
    for (step, before, after) in [
        (
            r"{ type: replace_string, regex: '^\*(\\[a-z]+)', replacement: 'C:\1' }",
            r"'A|endswith': '\cmd.exe'",
            r"'A': 'C:\cmd.exe'",
        ),
        (
            "{ type: replace_string, regex: b, replacement: '*', skip_special: true }",
            "A|contains: abc*b",
            r"A: '*a\*c*\**'",
        ),
        (
            "{ type: replace_string, regex: 'b(?P<x>.)', replacement: '\\g<x>*', skip_special: true, \
               interpret_special: true }",
            "A: abcd",
            "A: ac*d",
        ),
        ("{ type: replace_string, regex: '6', replacement: '7' }", "A: 4688", "A: '4788'"),
        (
            "{ type: replace_string, regex: x, replacement: y }",
            "A|re: x, B|cidr: 10.0.0.0/8",
            "A|re: x, B|cidr: 10.0.0.0/8",
        ),
        ("{ type: map_string, mapping: { a: b, c: [d, e] } }", "A: [a, c, f]", "A: [b, d, e, f]"),
        ("{ type: map_string, mapping: { '*a*': b } }", "A|contains: [a, c]", "A: [b, '*c*']"),
        ("{ type: set_value, value: 5 }", "A|contains: [a, b]", "A: 5"),
        ("{ type: convert_type, target_type: str }", "A: 0x10", "A: '0x10'"),
        ("{ type: convert_type, target_type: num }", "A: '0x10'", "A: 0x10"),
        ("{ type: case, method: upper }", "A|cased: ab", "A|cased: AB"),
        ("{ type: case, method: snake_case }", "A|cased: abCd", "A|cased: ab_cd"),
        ("{ type: regex, method: plain }", "A: ab", "A|cased: ab"),
        ("{ type: value_placeholders }", "A|expand: '%admins%-%one%'", "A: [root-1, 'adm*-1']"),
        ("{ type: wildcard_placeholders }", "A|expand: 'x%nobody%y'", "A: 'x*y'"),
        ("{ type: wildcard_placeholders }", "A|re|expand: 'x%nobody%y'", "A|re: 'x.*y'"),
    ] {
        let rules = compile(
            &format!("s: {{ {before} }}, condition: s"),
            &[pipeline(&format!("  - {step}\n"))],
        );
        let wanted = compile(&format!("s: {{ {after} }}, condition: s"), &[]).unwrap();
        let bare = |rules: &RuleSet| {
            // How a value was written may differ; what it is must not.
            let lines = search(rules);
            lines.lines().filter(|line| !line.contains("written:")).collect::<Vec<_>>().join("\n")
        };
        let rules = rules.unwrap_or_else(|error| panic!("{step}: {error}"));
        let variants = |text: &str| text.matches("Text(").count();
        let (own, wanted) = (bare(&rules), bare(&wanted));
        if step.contains("placeholders") {
            // Variants of one value here, several values there.
            assert_eq!(variants(&own), variants(&wanted), "{step}\n{own}\n{wanted}");
        } else {
            assert_eq!(own, wanted, "{step}");
        }
    }
}

#[test]
fn items_go_and_conditions_come() {
    let drop = "  - { type: drop_detection_item, field_name_conditions: \
                [ { type: include_fields, fields: [A] } ] }\n";
    becomes(drop, "s: { A: x, B: y }, condition: s", "s: { B: y }, condition: s");
    becomes(
        drop,
        "s: { A: x }, t: { B: y }, condition: s and not t",
        "t: { B: y }, condition: not t",
    );
    becomes(drop, "s: [ { A: x }, { B: y } ], condition: s", "s: { B: y }, condition: s");
    let error = compile("s: { A: x }, condition: not s", &[pipeline(drop)]).unwrap_err();
    assert!(error.contains("the pipelines leave nothing of this rule"), "{error}");
    becomes(
        "  - { type: add_condition, conditions: { EventID: 1, C: '$product $service' }, template: true }\n",
        "s: { A: x }, t: { B: y }, condition: s or t",
        "s: { A: x }, t: { B: y }, p: { EventID: 1, C: windows None }, condition: p and (s or t)",
    );
    becomes(
        "  - { type: add_condition, conditions: { E|contains: [1, 2] }, negated: true }\n",
        "s: { A: x }, condition: s",
        "s: { A: x }, p: { E|contains: [1, 2] }, condition: not p and s",
    );
}

const BOTH: &str = "['A.hit', 'B2.hit', 'N.hit']";

/// Conditions of a step, with the fields that it is for under them.
const GATES: [(&str, &str); 25] = [
    ("rule_conditions: [ { type: logsource, product: windows } ]", BOTH),
    ("rule_conditions: [ { type: logsource, product: windows, category: dns } ]", "[]"),
    ("rule_conditions: [ { type: logsource, product: linux } ], rule_cond_not: true", BOTH),
    (
        "rule_conditions: [ { type: tag, tag: attack.t1059 }, { type: is_sigma_correlation_rule } ]",
        "[]",
    ),
    (
        "rule_conditions: [ { type: tag, tag: attack.t1059 }, { type: is_sigma_correlation_rule } ], \
             rule_cond_op: or",
        BOTH,
    ),
    (
        "rule_conditions: { a: { type: is_sigma_rule }, b: { type: tag, tag: x.y } }, \
             rule_cond_expr: a and not b",
        BOTH,
    ),
    ("rule_conditions: [ { type: contains_field, field: B2 } ]", BOTH),
    ("rule_conditions: [ { type: contains_field, field: B } ]", "[]"),
    (r"rule_conditions: [ { type: contains_detection_item, field: B2, value: '*\y' } ]", BOTH),
    ("rule_conditions: [ { type: contains_detection_item, field: A, value: y } ]", "[]"),
    ("rule_conditions: [ { type: processing_item_applied, processing_item_id: map } ]", BOTH),
    ("rule_conditions: [ { type: processing_state, key: level, val: 10, op: lt } ]", BOTH),
    ("rule_conditions: [ { type: processing_state, key: absent, val: 1 } ]", "[]"),
    (
        "rule_conditions: [ { type: rule_attribute, attribute: level, value: medium, op: gte } ]",
        BOTH,
    ),
    (
        "rule_conditions: [ { type: rule_attribute, attribute: status, value: stable, op: gte } ]",
        "[]",
    ),
    (
        "rule_conditions: [ { type: rule_attribute, attribute: tags, value: a.b, op: not_in } ]",
        BOTH,
    ),
    ("rule_conditions: [ { type: rule_attribute, attribute: license, value: MIT } ]", BOTH),
    ("rule_conditions: [ { type: rule_attribute, attribute: own, value: 7 } ]", BOTH),
    ("detection_item_conditions: [ { type: match_value, value: x, cond: any } ]", "['A.hit']"),
    (
        r"detection_item_conditions: [ { type: match_string, pattern: '\*', cond: all } ]",
        "['B2.hit']",
    ),
    (
        "detection_item_conditions: [ { type: match_string, pattern: x, cond: all, negate: true } ]",
        "['B2.hit', 'N.hit']",
    ),
    ("detection_item_conditions: [ { type: contains_wildcard, cond: any } ]", "['B2.hit']"),
    ("detection_item_conditions: [ { type: is_null, cond: all } ]", "['N.hit']"),
    (
        "detection_item_conditions: [ { type: processing_item_applied, processing_item_id: map } ]",
        "['B2.hit']",
    ),
    (
        "field_name_conditions: [ { type: processing_item_applied, processing_item_id: map } ], \
             field_name_cond_not: true",
        "['A.hit', 'N.hit']",
    ),
];

#[test]
fn a_step_is_for_what_its_conditions_say() {
    let detection = "s: { A: x, B|endswith: '\\y', N: null }, t: [ k ], condition: s and t";
    let pipeline_of = |gate: &str| {
        pipeline(&format!(
            "  - {{ id: map, type: field_name_mapping, mapping: {{ B: B2 }} }}\n\
             \x20 - {{ id: state, type: set_state, key: level, val: 3 }}\n\
             \x20 - {{ type: set_custom_attribute, attribute: own, value: 7 }}\n\
             \x20 - {{ type: field_name_suffix, suffix: .hit, {gate} }}\n"
        ))
    };
    for (gate, hit) in &GATES {
        let rules = compile(detection, &[pipeline_of(gate)])
            .unwrap_or_else(|error| panic!("{gate}: {error}"));
        let text = search(&rules);
        let fields = ["A.hit", "B2.hit", "N.hit"];
        let own: Vec<&str> =
            fields.into_iter().filter(|field| text.contains(&format!("{field:?}"))).collect();
        assert_eq!(format!("{own:?}").replace('"', "'"), *hit, "{gate}");
    }
}

#[test]
fn a_rule_changes_its_log_source_and_may_be_refused() {
    let changed = "  - { type: change_logsource, service: Sysmon }\n";
    let rules = compile("s: { A: x }, condition: s", &[pipeline(changed)]).unwrap();
    let logsource = &rules.rules()[0].logsource;
    assert_eq!(
        (logsource.product.as_deref(), logsource.service.as_deref()),
        (None, Some("sysmon"))
    );
    for (step, want) in [
        (
            "{ type: rule_failure, message: no such log }",
            "r.yml:1:1: a pipeline refuses it: no such log",
        ),
        (
            "{ type: detection_item_failure, message: no such field, field_name_conditions: \
               [ { type: include_fields, fields: [B] } ] }",
            "r.yml:8:22: a pipeline refuses it: no such field",
        ),
        (
            "{ type: nest, items: [ { type: field_name_mapping, mapping: { A: a } }, \
               { type: strict_field_mapping_failure } ] }",
            "r.yml:8:22: no pipeline maps the field `B`",
        ),
        (
            "{ type: convert_type, target_type: num }",
            "r.yml:8:22: a pipeline wants a number, and `x` is none",
        ),
    ] {
        let error = compile("s: { B: x }, condition: s", &[pipeline(&format!("  - {step}\n"))]);
        assert_eq!(error.unwrap_err(), want, "{step}");
    }
}

#[test]
fn pipelines_run_by_priority() {
    let named = |priority: i64, from: &str, to: &str| {
        read(&format!(
            "name: n{priority}\npriority: {priority}\ntransformations:\n  \
             - {{ type: field_name_mapping, mapping: {{ {from}: {to} }} }}\n"
        ))
        .unwrap()
    };
    let rules =
        compile("s: { A: x }, condition: s", &[named(20, "B", "C"), named(10, "A", "B")]).unwrap();
    assert!(search(&rules).contains("\"C\""));
    assert_eq!(named(7, "A", "B").name(), "n7");
}

#[test]
fn a_correlation_follows_the_names_of_its_rules() {
    let text = "title: t\nname: base\nlogsource: { product: windows }\ndetection: { s: { A: x }, \
                condition: s }\n---\ntitle: c\nname: one\ncorrelation:\n  type: value_count\n  \
                rules: [base]\n  timespan: 5m\n  group-by: [A, al]\n  aliases: { al: { base: A } }\n  \
                condition: { gte: 2, field: A }\n---\ntitle: d\ncorrelation:\n  type: event_count\n  \
                rules: [one]\n  timespan: 5m\n  group-by: [A]\n  condition: { gte: 2 }\n";
    let steps = "  - { type: field_name_mapping, mapping: { A: B }, rule_conditions: \
                 [ { type: logsource, product: windows } ] }\n";
    let file = RuleFile { path: "r.yml", text };
    let compile = |pipelines: &[Pipeline]| {
        let (rules, errors) = RuleSet::compile_all(&[file], &Placeholders::new(), pipelines);
        assert!(errors.is_empty(), "{errors:?}");
        format!("{:?}", rules.correlations)
    };
    let plans = compile(&[pipeline(steps)]);
    assert_eq!((plans.matches("\"A\"").count(), compile(&[]).matches("\"B\"").count()), (0, 0));
    let two = "  - { type: field_name_mapping, mapping: { A: [B, C] } }\n";
    let (_, errors) = RuleSet::compile_all(&[file], &Placeholders::new(), &[pipeline(two)]);
    assert_eq!(errors[0].message, "a pipeline maps `A` to several fields or none");
}

#[test]
fn faults_of_a_pipeline_name_line_and_hint() {
    for (text, want) in [
        (
            "transformations:\n  - type: field_name_maping\n    mapping: {}\n",
            "p.yml:2:11: unknown transformation `field_name_maping` (did you mean `field_name_mapping`?)",
        ),
        (
            "transformations:\n  - type: field_name_mapping\n    maping: {}\n",
            "p.yml:3:5: unknown attribute `maping` (did you mean `mapping`?)",
        ),
        (
            "transformations:\n  - type: rule_failure\n    message: m\n    rule_conditions:\n      \
             - type: log_source\n        product: x\n",
            "p.yml:5:15: unknown condition `log_source` (did you mean `logsource`?)",
        ),
        (
            "transformations:\n  - type: command_placeholders\n    command: x\n",
            "p.yml:2:11: the transformation `command_placeholders` is not supported (write the values \
             into `vars`)",
        ),
        (
            "finalizers:\n  - type: concat\npriority: high\n",
            "p.yml:1:1: `finalizers` changes query texts, and here are none (take it out: rules are \
             matched directly)\np.yml:3:11: `priority` is a whole number",
        ),
        (
            "transformations:\n  - type: replace_string\n    regex: '(?=a)'\n    replacement: b\n",
            "p.yml:3:12: this regular expression: error: look-around, including look-ahead and \
             look-behind, is not supported",
        ),
        (
            "transformations:\n  - type: rule_failure\n    message: m\n    rule_cond_expr: a\n",
            "p.yml:4:21: no condition is called `a`",
        ),
        ("transformations: [1]\n", "p.yml:1:19: no `type`"),
        (
            "a: [",
            "p.yml:2:1: not valid YAML: while parsing a node, did not find expected node content",
        ),
    ] {
        assert_eq!(read(text).unwrap_err(), want, "{text}");
    }
}
