//! A job file goes out as a schema and comes back; a schema of Entra's becomes a job file that is sound.

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use toml::{Table, Value};

use super::*;
use crate::config::{JobMeant, check_text};
use crate::golden;

fn sample(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).unwrap()
}

fn job(text: &str) -> JobMeant {
    check_text("job.toml", text).unwrap_or_else(|report| panic!("{report}\n{text}"))
}

fn schema(job: &JobMeant) -> Json {
    serde_json::to_value(job.schema()).unwrap()
}

fn back(schema: &Json) -> Imported {
    import_schema(&schema.to_string()).unwrap_or_else(|error| panic!("{error}: {error:?}"))
}

/// The losses, one a line.
fn told(losses: &[Loss]) -> String {
    losses.iter().map(|loss| format!("{}: {}\n", loss.place, loss.why)).collect()
}

#[test]
fn a_job_that_was_exported_and_imported_is_the_same_job() {
    for name in ["samples/contoso/job.toml", "samples/first/job.toml"] {
        let before = job(&sample(name));
        let imported = back(&schema(&before));
        assert_eq!(told(&imported.losses), "", "{name}");
        let after = job(&imported.text);
        assert_eq!(before.table(), after.table(), "{name}");
        assert_eq!(before.hash, after.hash, "{name}");
        assert_eq!(format!("{:?}", before.job.targets), format!("{:?}", after.job.targets), "{name}");
        assert_eq!(schema(&before), schema(&after), "{name}");
    }
}

#[test]
fn the_sample_job_as_graph_has_it() {
    let mut exported = schema(&job(&sample("samples/first/job.toml")));
    // The job file itself is looked at elsewhere.
    exported["synchronizationRules"][0]["metadata"][0]["value"] = json!("…");
    golden::check("tests/cases/graph/first.schema.json", &format!("{exported:#}\n"));
}

#[test]
fn schemas_of_entra_become_jobs_that_are_sound() {
    for name in ["api2aad", "api2ad"] {
        let imported = import_schema(&sample(&format!("tests/cases/graph/{name}.json"))).unwrap();
        job(&imported.text);
        golden::check(&format!("tests/cases/graph/{name}.toml"), &imported.text);
        golden::check(&format!("tests/cases/graph/{name}.losses"), &told(&imported.losses));
    }
}

#[test]
fn a_schema_that_brings_people_elsewhere_gives_no_job_and_says_what_it_has() {
    let text = r#"{ "directories": [], "synchronizationRules": [
        { "sourceDirectoryName": "Azure Active Directory", "targetDirectoryName": "Salesforce",
          "objectMappings": [{ "targetObjectName": "User" }] } ] }"#;
    let Err(ImportError::Nothing { losses }) = import_schema(text) else { panic!("a job came of it") };
    assert!(told(&losses).contains("muster does not write to the directory `Salesforce`"), "{losses:?}");
}

/// The rule of the cloud in the exported sample, and its attribute mappings.
fn mappings(schema: &mut Json) -> &mut Vec<Json> {
    schema["synchronizationRules"][0]["objectMappings"][0]["attributeMappings"].as_array_mut().unwrap()
}

#[test]
fn what_was_changed_in_the_schema_is_changed_in_the_job_and_nothing_else() {
    let before = job(&sample("samples/contoso/job.toml"));
    let mut exported = schema(&before);
    let list = mappings(&mut exported);
    list.retain(|mapping| mapping["targetAttributeName"] != "usageLocation");
    let city = list.iter_mut().find(|mapping| mapping["targetAttributeName"] == "city").unwrap();
    city["source"] = json!({ "type": "Function", "name": "ToUpper", "parameters": [
        { "key": "source", "value": { "type": "Attribute", "name": "addresses[type eq \"work\"].locality" } } ] });
    list.push(json!({ "targetAttributeName": "faxNumber", "source": { "type": "Attribute", "name": "nickName" } }));
    let imported = back(&exported);
    assert_eq!(told(&imported.losses), "");
    let changed = difference(&before.schema_alone(), &job(&imported.text).schema_alone());
    assert_eq!(
        changed,
        ["city: ToUpper([addresses[type eq \"work\"].locality])", "faxNumber: [nickName]", "usageLocation: gone",]
    );
    let untouched =
        |text: &str| text.parse::<Table>().unwrap().into_iter().filter(|(key, _)| key != "target").collect();
    let (one, other): (Table, Table) = (untouched(&sample("samples/contoso/job.toml")), untouched(&imported.text));
    assert_eq!(one, other);
}

/// How the attribute mappings of the first rule differ.
fn difference(before: &Schema, after: &Schema) -> Vec<String> {
    let of = |schema: &Schema| {
        let mappings = schema.synchronization_rules[0].object_mappings[0].attribute_mappings.iter();
        let text = |mapping: &crate::graph_schema::AttributeMapping| mapping.source.clone().unwrap().expression;
        let list: std::collections::BTreeMap<String, String> =
            mappings.map(|mapping| (mapping.target_attribute_name.clone(), text(mapping))).collect();
        list
    };
    let (before, after) = (of(before), of(after));
    let new = after.iter().filter(|(name, text)| before.get(*name) != Some(*text));
    let mut lines: Vec<String> = new.map(|(name, text)| format!("{name}: {text}")).collect();
    lines.extend(before.keys().filter(|name| !after.contains_key(*name)).map(|name| format!("{name}: gone")));
    lines.sort();
    lines
}

#[test]
fn gates_and_declarations_follow_the_source_directory() {
    let before = job(&sample("samples/contoso/job.toml"));
    let mut exported = schema(&before);
    let attributes = exported["directories"][0]["objects"][0]["attributes"].as_array_mut().unwrap();
    for attribute in attributes.iter_mut() {
        match attribute["name"].as_str().unwrap() {
            "title" => attribute["flowNullValues"] = json!(false),
            "displayName" => attribute["flowNullValues"] = json!(true),
            _ => {}
        }
    }
    attributes.push(json!({ "name": "urn:contoso:hr:badge", "type": "Integer" }));
    let imported = back(&exported);
    assert_eq!(told(&imported.losses), "");
    let table: Table = imported.text.parse().unwrap();
    let building = "urn:contoso:params:scim:schemas:extension:site:1.0:User:building";
    assert_eq!(table["source"]["flow_null"], Value::try_from([building, "displayName"]).unwrap());
    assert_eq!(table["source"]["attributes"]["urn:contoso:hr:badge"].as_str(), Some("integer"));
    job(&imported.text);
}

#[test]
fn a_scope_is_taken_over_as_a_whole_or_not_at_all() {
    let before = job(&sample("samples/first/job.toml"));
    let clause = |operator: &str| {
        json!({
        "sourceOperandName": "title", "operatorName": operator, "targetOperand": { "values": ["Sales"] } })
    };
    let with = |operators: [&str; 2]| {
        let mut exported = schema(&before);
        exported["synchronizationRules"][1]["objectMappings"][0]["scope"] =
            json!({ "groups": [{ "name": "x", "clauses": operators.map(clause) }] });
        back(&exported)
    };
    let good = with(["EQUALS", "ENDS_WITH"]);
    assert_eq!(told(&good.losses), "");
    assert_eq!(job(&good.text).job.scope.clauses().len(), 2, "{}", good.text);
    for (scope, said) in [
        (json!({ "group": [{ "clauses": [clause("EQUALS")] }] }), "scope.group: a scope has no such member"),
        (json!({ "groups": { "clauses": [clause("EQUALS")] } }), "scope.groups: it must be a list"),
    ] {
        let mut exported = schema(&before);
        exported["synchronizationRules"][1]["objectMappings"][0]["scope"] = scope;
        let spoiled = back(&exported);
        assert!(told(&spoiled.losses).contains(said), "{:?}", spoiled.losses);
        assert_eq!(job(&spoiled.text).hash, before.hash, "who is in scope is not widened");
    }
    let bad = with(["EQUALS", "IsMemberOf"]);
    assert!(told(&bad.losses).contains("scope.groups[0]: `IsMemberOf`"), "{:?}", bad.losses);
    assert_eq!(job(&bad.text).hash, before.hash);
}

#[test]
fn a_job_that_was_kept_and_spoiled_is_left_out_and_named() {
    let mut exported = schema(&job(&sample("samples/first/job.toml")));
    exported["synchronizationRules"][0]["metadata"][0]["value"] = json!("name = 1");
    let imported = back(&exported);
    assert!(told(&imported.losses).contains("`muster:job` is not sound"), "{:?}", imported.losses);
    assert!(imported.text.contains("[target.entra]") && imported.text.contains("[target.ad]"));
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[A-Za-z ]{1,8}", "[\"'\\\\\n\t#=\\[\\]]{1,6}", "\\PC{1,6}"]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![text().prop_map(Value::String), (-9_i64..99).prop_map(Value::Integer)]
}

/// A mapping of an on-premises attribute, which holds whatever comes.
fn entry() -> impl Strategy<Value = Table> {
    let quoted = text().prop_map(|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")));
    let source = prop_oneof![
        prop::sample::select(vec!["title", "name.givenName", "emails[type eq \"work\"].value", "urn:x:y:own"])
            .prop_map(|path| ("direct", Value::String(path.to_owned()))),
        prop_oneof![
            value(),
            any::<bool>().prop_map(Value::Boolean),
            prop::collection::vec(text().prop_map(Value::String), 1..3).prop_map(Value::Array)
        ]
        .prop_map(|value| ("constant", value)),
        (quoted, 0_usize..40).prop_map(|(quoted, depth)| {
            let text = format!(
                "{}Join({quoted}, [title], [urn:x:y:own], \"x\"){}",
                "ToLower(".repeat(depth),
                ")".repeat(depth)
            );
            ("expression", Value::String(text))
        }),
    ];
    let apply = prop::option::of(prop::sample::select(vec!["always", "create"]));
    (source, apply, prop::option::of(value()), prop::option::of(any::<bool>())).prop_map(
        |((key, source), apply, default, flow_null)| {
            let mut entry = Table::from_iter([(key.to_owned(), source)]);
            entry.extend(apply.map(|apply| ("apply".to_owned(), Value::String(apply.to_owned()))));
            entry.extend(default.map(|default| ("default".to_owned(), default)));
            entry.extend(flow_null.map(|flow| ("flow_null".to_owned(), Value::Boolean(flow))));
            entry
        },
    )
}

/// A group of a scoping filter.
fn group() -> impl Strategy<Value = Value> {
    let clause =
        (prop::sample::select(vec!["EQUALS", "NOT EQUALS", "Includes", "&"]), text()).prop_map(|(operator, value)| {
            let words = [("attribute", "title"), ("operator", operator), ("value", value.as_str())];
            Value::Table(
                words.map(|(key, word)| (key.to_owned(), Value::String(word.to_owned()))).into_iter().collect(),
            )
        });
    (text(), prop::collection::vec(clause, 1..3)).prop_map(|(name, clauses)| {
        Value::Table(Table::from_iter([
            ("name".to_owned(), Value::String(name)),
            ("clauses".to_owned(), Value::Array(clauses)),
        ]))
    })
}

fn job_of(entries: Vec<Table>, groups: Vec<Value>, gates: bool, on_delete: &str) -> String {
    let mut job: Table = r#"
        name = "p"
        source = { kind = "api", attributes = { "urn:x:y:own" = "integer" } }
        rule = [{ id = "r", place = "on-premises", container = "OU=x" }]
        [target.b]
        kind = "ldif"
        folder = "f"
        map = [{ to = "displayName", direct = "displayName", match = 1 }]
    "#
    .parse()
    .unwrap();
    if gates {
        job["source"].as_table_mut().unwrap().insert("flow_null".to_owned(), Value::try_from(["title"]).unwrap());
    }
    if !groups.is_empty() {
        let scope = Table::from_iter([("group".to_owned(), Value::Array(groups))]);
        job.insert("scope".to_owned(), Value::Table(scope));
    }
    let target = job["target"]["b"].as_table_mut().unwrap();
    target.insert("on_delete".to_owned(), Value::String(on_delete.to_owned()));
    let maps = target["map"].as_array_mut().unwrap();
    for (at, mut entry) in entries.into_iter().enumerate() {
        entry.insert("to".to_owned(), Value::String(format!("attribute{}", 20 - at)));
        maps.push(Value::Table(entry));
    }
    layout::bare(&job, Vec::new())
}

/// JSON that is nearly a schema: a good one with something else in one place.
fn spoiled() -> impl Strategy<Value = Json> {
    let stranger = prop_oneof![
        Just(json!(null)),
        Just(json!([])),
        Just(json!({})),
        Just(json!([null, 7, {}, []])),
        Just(json!("")),
        "[\\[\\]\"(),a-z.]{0,12}".prop_map(|text| json!(text)),
        any::<i64>().prop_map(|number| json!(number)),
        Just(json!(true)),
    ];
    let base = prop::sample::select(vec!["", "api2aad", "api2ad"]);
    (prop::collection::vec(any::<prop::sample::Index>(), 1..10), stranger, any::<bool>(), base).prop_map(
        |(steps, stranger, keeps, base)| {
            let mut json = match base {
                "" => schema(&job(&sample("samples/first/job.toml"))),
                base => serde_json::from_str(&sample(&format!("tests/cases/graph/{base}.json"))).unwrap(),
            };
            if !keeps {
                json["synchronizationRules"][0]["metadata"] = json!([]);
            }
            let mut place = &mut json;
            for step in steps {
                let next = match &*place {
                    Json::Object(members) if !members.is_empty() => step.index(members.len()),
                    Json::Array(elements) if !elements.is_empty() => step.index(elements.len()),
                    _ => break,
                };
                place = match place {
                    Json::Object(members) => members.values_mut().nth(next).unwrap(),
                    Json::Array(elements) => &mut elements[next],
                    _ => unreachable!("it has something in it"),
                };
            }
            *place = stranger;
            json
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_job_comes_back_as_it_went(
        entries in prop::collection::vec(entry(), 0..5),
        groups in prop::collection::vec(group(), 0..3),
        gates in any::<bool>(),
        on_delete in prop::sample::select(vec!["disable", "delete", "hold"]),
    ) {
        let text = job_of(entries, groups, gates, on_delete);
        let Ok(before) = check_text("job.toml", &text) else { return Ok(()) };
        let imported = back(&schema(&before));
        prop_assert_eq!(told(&imported.losses), "");
        prop_assert_eq!(job(&imported.text).table(), before.table());
    }

    #[test]
    fn whatever_is_in_a_schema_there_is_a_sound_job_or_a_reason(json in spoiled()) {
        match import_schema(&json.to_string()) {
            Ok(imported) => { job(&imported.text); }
            Err(ImportError::Unsound { report, .. }) => prop_assert!(false, "{}", report),
            Err(_) => {}
        }
    }
}
