//! Names as people have them, and as nobody should, at real directories: Samba as Active Directory, and OpenLDAP.

use muster::model::{ChangeKind, Dn, Found, Name, Value};
use muster::pipeline::look::differences;
use muster::writer::ldap::LdapWriter;
use muster::writer::{WriteError, Writer as _};

use super::ldap_services::{code, prepared, samba_settings, slapd_settings};
use super::practice::{attributes, by_keys, by_object, change, errand};
use super::slapd::Slapd;

/// As they are given, and as a directory has them: blanks at the edges are no part of a name there.
const NAMES: [&str; 25] = [
    "Łukasz Żółć",
    "Ольга Кузнецова",
    "山田 太郎",
    "محمد علي",
    "नीलम शर्मा",
    "Ωνάσης Αριστοτέλης",
    "שרה כהן",
    "김민준",
    "ගුණතිලක",
    "İpek Şıkışık",
    "e\u{301}clair",
    "😀 Emoji",
    "  padded  ",
    " # blank and hash",
    "#hash",
    "##",
    "a+b=c;d<e>f",
    "back\\slash\\",
    "\\2C,\\00",
    "CN=Eve,OU=Admins",
    "uid=eve,dc=example",
    "*",
    "star*(paren)",
    "(|(objectClass=*))",
    "\"quoted\" / \\\"",
];

/// What each directory is asked for: the attribute that names, the key, the container, and others that must be there.
struct House {
    naming: &'static str,
    key: &'static str,
    container: &'static str,
    others: &'static [(&'static str, &'static str)],
}

async fn keeps_every_name(writer: &LdapWriter, house: &House) {
    let container = Dn::parse(house.container).unwrap();
    for (number, name) in NAMES.iter().enumerate() {
        let number = (100 + number).to_string();
        let mut creation = change(ChangeKind::Create, None, house.others, &[]);
        for (attribute, value) in [(house.naming, *name), (house.key, &number), ("displayName", name)] {
            creation.set.set(Name::new(attribute), Value::text(value));
        }
        creation.container = Some(container.clone());
        let made =
            writer.write(&errand(), &creation).await.unwrap_or_else(|error| panic!("{name}: {error:?}")).unwrap();
        let trimmed = name.trim();
        for key in [(house.key, number.as_str()), (house.naming, trimmed), ("displayName", *name)] {
            let found = writer.find(&by_keys(&[key], &[house.naming, "displayName"])).await.unwrap();
            let Found::One(found) = found else { panic!("{name} by {key:?}: {found:?}") };
            assert_eq!(found.object, made.object, "{name}");
            assert_eq!(differences(&made, &found), [], "{name} was not made as the receipt has it");
            assert_eq!(found.attributes.get(house.naming), Some(&Value::text(trimmed)));
            assert_eq!(found.attributes.get("displayName"), Some(&Value::text(*name)));
            assert_eq!(found.container, Some(container.clone()), "{name} does not stand where it should");
        }
        // The same again is no change, and a longer name is a new one.
        for wanted in [*name, &format!("{trimmed} 2")] {
            let renaming = change(ChangeKind::Update, Some(&made.object), &[(house.naming, wanted)], &[]);
            let renamed = writer.write(&errand(), &renaming).await;
            let renamed = renamed.unwrap_or_else(|error| panic!("{wanted}: {error:?}")).unwrap();
            let found = writer.find(&by_object(&made.object, &[house.naming])).await.unwrap();
            let Found::One(found) = found else { panic!("{found:?}") };
            assert_eq!(found.attributes.get(house.naming), Some(&Value::text(wanted.trim())));
            assert_eq!(found.container, Some(container.clone()));
            assert_eq!(differences(&renamed, &found), [], "{wanted} was not written as the receipt has it");
        }
    }
    nothing_with_a_nul_is_written(writer, house).await;
}

async fn nothing_with_a_nul_is_written(writer: &LdapWriter, house: &House) {
    let named = |attribute: &str, value: &str| {
        let mut creation = change(ChangeKind::Create, None, house.others, &[]);
        creation.set.set(Name::new(house.naming), Value::text("Nora"));
        creation.set.set(Name::new(attribute), Value::text(value));
        creation.container = Some(Dn::parse(house.container).unwrap());
        creation
    };
    for attribute in [house.naming, house.key, "displayName", "title"] {
        let error = writer.write(&errand(), &named(attribute, "No\0ra")).await.unwrap_err();
        let WriteError::Refused { cause, .. } = &error else { panic!("{error:?}") };
        assert!(cause.0.contains("control character") && cause.0.contains(r"No\0ra"), "{error:?}");
        assert_eq!(writer.find(&by_keys(&[(house.naming, "Nora")], &[])).await.unwrap(), Found::Nobody);
    }
    let nora = writer.write(&errand(), &named("displayName", "Nora")).await.unwrap().unwrap().object;
    for attribute in [house.naming, "title"] {
        let update = change(ChangeKind::Update, Some(&nora), &[(attribute, "No\0ra")], &[]);
        let error = writer.write(&errand(), &update).await.unwrap_err();
        assert!(matches!(code(&error), "name" | "control_character"), "{error:?}");
    }
    // Who is looked for under such a name is nobody.
    assert_eq!(writer.find(&by_keys(&[(house.key, "No\0ra")], &[])).await.unwrap(), Found::Nobody);
    let found = writer.find(&by_object(&nora, &[house.naming, "title"])).await.unwrap();
    let Found::One(found) = found else { panic!("{found:?}") };
    assert_eq!(found.attributes, attributes_of_nora(house));
}

fn attributes_of_nora(house: &House) -> muster::model::Attributes {
    let mut held = attributes(&[(house.naming, "Nora")]);
    held.set(Name::new("title"), Value::Null);
    held
}

#[tokio::test]
#[ignore = "needs Samba; tests/all.sh runs it"]
async fn active_directory_keeps_every_name_as_it_is_written() {
    let samba = prepared("127.0.8.41");
    let writer = LdapWriter::new(samba_settings(&samba, "127.0.8.41")).unwrap();
    let house =
        House { naming: "cn", key: "employeeID", container: "OU=People,DC=example,DC=test", others: &[("sn", "x")] };
    keeps_every_name(&writer, &house).await;
}

#[tokio::test]
#[ignore = "needs OpenLDAP; tests/all.sh runs it"]
async fn open_ldap_keeps_every_name_as_it_is_written() {
    let slapd = Slapd::start("127.0.8.42");
    let writer = LdapWriter::new(slapd_settings(&[&slapd])).unwrap();
    let house = House {
        naming: "uid",
        key: "employeeNumber",
        container: "ou=people,dc=example,dc=test",
        others: &[("sn", "x"), ("cn", "x")],
    };
    keeps_every_name(&writer, &house).await;
}
