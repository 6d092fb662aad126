//! Change files as their readers take them: OpenLDAP's tools, and a real Active Directory (Samba).

use std::path::Path;
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster::model::{
    Anchor, Attributes, Change, ChangeKind, Dn, Generation, JobId, Known, Name, ObjectId, Part, TargetId, Value,
};
use muster::writer::ldif::{LdifSettings, LdifWriter};
use muster::writer::{Errand, Writer as _};
use tempfile::TempDir;

use crate::samba::Samba;

const STAFF: &str = "OU=Staff\\, Süd,DC=example,DC=test";
const LEAVERS: &str = "OU=Leavers,DC=example,DC=test";

/// Names as people have them, and as nobody should.
const NAMES: [&str; 24] = [
    "Anna Larsen",
    "Łukasz Żółć",
    "Ольга Кузнецова",
    "山田 太郎",
    "محمد علي",
    "नीलम शर्मा",
    "Ωνάσης Αριστοτέλης",
    "שרה כהן",
    "김민준",
    "Zoë \"Zo\" O'Neil, Jr.",
    "İpek Şıkışık",
    "e\u{301}clair",
    "😀 Emoji",
    "  padded  ",
    "#hash",
    ": colon",
    "< less",
    "a+b=c;d<e>f",
    "back\\slash\\",
    "CN=Eve,OU=Admins",
    "\\2C,\\00",
    "two  blanks",
    "star*(paren)",
    "1234567890123456789012345678901234567890123456789012345678901234",
];

/// A folder of change files, and the work that is written to it in turn.
struct Run {
    folder: TempDir,
    writer: LdifWriter,
    sequence: i64,
}

impl Run {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let writer = LdifWriter::new(LdifSettings::new(folder.path()));
        Self { folder, writer, sequence: 0 }
    }

    async fn write(&mut self, anchor: &str, change: &Change) -> Option<Known> {
        self.sequence += 1;
        let ids = (JobId::new("hr"), Anchor::parse(anchor).unwrap(), TargetId::new("hq"));
        self.writer.write(&errand(&ids, self.sequence, Part::Account), change).await.unwrap()
    }

    async fn set_manager(&mut self, anchor: &str, object: &ObjectId, manager: Option<&ObjectId>) {
        self.sequence += 1;
        let ids = (JobId::new("hr"), Anchor::parse(anchor).unwrap(), TargetId::new("hq"));
        self.writer.set_manager(&errand(&ids, self.sequence, Part::Manager), object, manager).await.unwrap();
    }

    /// As an administrator would: everything there is, in the order of the names, and out of the way when applied.
    fn apply(&self, tool: &str) {
        let output = in_folder(self.folder.path(), &format!("cat *.ldif | {tool}"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(in_folder(self.folder.path(), "rm *.ldif").status.success());
    }
}

fn errand(ids: &(JobId, Anchor, TargetId), sequence: i64, part: Part) -> Errand<'_> {
    let (job, anchor, target) = (&ids.0, &ids.1, &ids.2);
    Errand { job, anchor, target, generation: Generation(1), sequence, part, again: false, begin_before: None }
}

fn in_folder(folder: &Path, line: &str) -> Output {
    Command::new("sh").args(["-c", line]).current_dir(folder).output().unwrap()
}

fn dn(text: &str) -> Dn {
    Dn::parse(text).unwrap()
}

fn attributes(pairs: &[(&str, Value)]) -> Attributes {
    pairs.iter().map(|(name, value)| (Name::new(name), value.clone())).collect()
}

fn create(number: usize, name: &str) -> Change {
    let set = attributes(&[
        ("accountEnabled", Value::Boolean(true)),
        ("cn", Value::text(name)),
        ("department", Value::text("")),
        ("description", Value::text(format!("{name}\r\nand more of it: {}", name.repeat(3)))),
        ("displayName", Value::text(name)),
        ("employeeID", Value::text(number.to_string())),
        ("otherTelephone", Value::Many(vec![Value::text("+47 1"), Value::text("+47 2"), Value::text("+47 1")])),
        ("sAMAccountName", Value::text(format!("user{number}"))),
        ("title", Value::text(" leading and trailing ")),
        ("userPrincipalName", Value::text(format!("user{number}@example.test"))),
    ]);
    Change { container: Some(dn(STAFF)), ..change(ChangeKind::Create, None, set) }
}

fn change(kind: ChangeKind, object: Option<&ObjectId>, set: Attributes) -> Change {
    Change {
        kind,
        object: object.cloned(),
        set,
        clear: vec![],
        container: None,
        before: Attributes::new(),
        container_before: None,
    }
}

/// The values of an attribute in a search's answer.
fn values(answer: &str, name: &str) -> Vec<String> {
    let of_name = |line: &str| {
        let rest = line.strip_prefix(name)?.strip_prefix(':')?;
        let bytes = match rest.strip_prefix(": ") {
            Some(encoded) => STANDARD.decode(encoded).unwrap(),
            None => rest.trim_start().into(),
        };
        Some(String::from_utf8(bytes).unwrap())
    };
    answer.lines().filter_map(of_name).collect()
}

async fn everybody(run: &mut Run) -> Vec<Known> {
    let mut known = Vec::new();
    for (number, name) in NAMES.iter().enumerate() {
        known.push(run.write(&format!("{number}/ü"), &create(number, name)).await.unwrap());
    }
    known
}

#[tokio::test]
#[ignore = "needs ldap-utils / samba: run by tests/all.sh"]
async fn ldapmodify_takes_everything_that_is_written() {
    let mut run = Run::new();
    let known = everybody(&mut run).await;
    for (number, known) in known.iter().enumerate() {
        let moves = Change {
            container: Some(dn(LEAVERS)),
            clear: vec![Name::new("title")],
            ..change(ChangeKind::Move, Some(&known.object), attributes(&[("cn", Value::text(format!("{number}")))]))
        };
        let moved = run.write("a", &moves).await.unwrap();
        run.set_manager("a", &moved.object, Some(&known.object)).await;
        run.write("a", &change(ChangeKind::Delete, Some(&moved.object), Attributes::new())).await;
    }
    run.apply("ldapmodify -n");
}

#[tokio::test]
#[ignore = "needs ldap-utils / samba: run by tests/all.sh"]
async fn an_active_directory_takes_a_person_from_the_first_day_to_the_last() {
    let samba = Samba::start("127.0.0.31");
    let tool = samba.tool("ldapmodify");
    make_containers(&samba);
    let mut run = Run::new();

    let everybody = everybody(&mut run).await;
    let boss = everybody[0].object.clone();
    for (number, known) in everybody.iter().enumerate().skip(1) {
        run.set_manager(&number.to_string(), &known.object, Some(&boss)).await;
    }
    run.apply(&tool);
    for (number, name) in NAMES.iter().enumerate() {
        check_created(&samba.search(&format!("(employeeID={number})")), number, name);
    }

    for (number, known) in everybody.iter().enumerate() {
        let set = attributes(&[("title", Value::text(NAMES[number])), ("description", Value::text(""))]);
        let clear = vec![Name::new("otherTelephone"), Name::new("mobile")];
        run.write("u", &Change { clear, ..change(ChangeKind::Update, Some(&known.object), set) }).await;
    }
    run.apply(&tool);
    for (number, name) in NAMES.iter().enumerate() {
        let answer = samba.search(&format!("(employeeID={number})"));
        assert_eq!(values(&answer, "title"), [*name]);
        assert!(values(&answer, "description").is_empty() && values(&answer, "otherTelephone").is_empty());
    }

    for (number, known) in everybody.iter().enumerate() {
        leave_and_return(&samba, &mut run, number, known).await;
    }
    run.apply(&tool);
    assert_eq!(samba.search("(employeeID=*)"), everybody_gone(&samba));
}

/// Referrals and nothing else.
fn everybody_gone(samba: &Samba) -> String {
    samba.search("(employeeID=nobody)")
}

fn make_containers(samba: &Samba) {
    let mut ldif = String::new();
    for container in [STAFF, LEAVERS] {
        let encoded = STANDARD.encode(container);
        ldif.push_str(&format!("dn:: {encoded}\nchangetype: add\nobjectClass: organizationalUnit\n\n"));
    }
    let output = samba.apply(&ldif);
    assert!(output.status.success(), "{output:?}");
}

fn check_created(answer: &str, number: usize, name: &str) {
    assert_eq!(values(answer, "cn"), [name.trim()]);
    assert_eq!(values(answer, "displayName"), [name]);
    assert_eq!(values(answer, "description"), [format!("{name}\r\nand more of it: {}", name.repeat(3))]);
    assert_eq!(values(answer, "title"), [" leading and trailing "]);
    assert_eq!(values(answer, "userAccountControl"), ["514"]);
    assert_eq!(values(answer, "sAMAccountName"), [format!("user{number}")]);
    let mut telephones = values(answer, "otherTelephone");
    telephones.sort();
    assert_eq!(telephones, ["+47 1", "+47 2"]);
    assert_eq!(values(answer, "manager").len(), usize::from(number != 0));
}

/// Locked out and moved; every third comes back, with a password and a new name; in the end all are deleted.
async fn leave_and_return(samba: &Samba, run: &mut Run, number: usize, known: &Known) {
    let locked = attributes(&[("accountEnabled", Value::Boolean(false))]);
    let leaves = Change { container: Some(dn(LEAVERS)), ..change(ChangeKind::Disable, Some(&known.object), locked) };
    let mut known = run.write("l", &leaves).await.unwrap();
    if number.is_multiple_of(3) {
        run.apply(&samba.tool("ldapmodify"));
        set_password(samba, &known.object);
        let set = attributes(&[
            ("accountEnabled", Value::Boolean(true)),
            ("cn", Value::text(format!("{} II", NAMES[number].trim().chars().take(60).collect::<String>()))),
        ]);
        let returns = Change { container: Some(dn(STAFF)), ..change(ChangeKind::Move, Some(&known.object), set) };
        known = run.write("r", &returns).await.unwrap();
        run.set_manager("r", &known.object, None).await;
        run.apply(&samba.tool("ldapmodify"));
        let answer = samba.search(&format!("(employeeID={number})"));
        assert_eq!(values(&answer, "userAccountControl"), ["512"]);
        assert!(values(&answer, "cn")[0].ends_with(" II"));
        assert!(values(&answer, "manager").is_empty());
    }
    run.write("d", &change(ChangeKind::Delete, Some(&known.object), Attributes::new())).await;
}

fn set_password(samba: &Samba, object: &ObjectId) {
    let password: Vec<u8> = "\"Pr0visional.Secret\"".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let output = samba.apply(&format!(
        "dn:: {}\nchangetype: modify\nreplace: unicodePwd\nunicodePwd:: {}\n-\n",
        STANDARD.encode(object.as_str()),
        STANDARD.encode(password)
    ));
    assert!(output.status.success(), "{output:?}");
}
