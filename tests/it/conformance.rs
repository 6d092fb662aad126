//! What every writer owes, whatever the directory behind it.

use muster::model::{ChangeKind, Dn, Found, Known, Name, ObjectId, Value};
use muster::writer::simulated::SimulatedWriter;
use muster::writer::{Group, Membership, NO_GROUP, WriteError, Writer};

use crate::practice::{Practice, by_keys, by_object, change, errand};

/// What the attributes that the suite speaks of are called at a target, and what its accounts need besides.
pub(crate) struct Names {
    /// Holds the source's identifier. The suite gives two accounts the same.
    pub(crate) id: &'static str,
    /// The name people see.
    pub(crate) display: &'static str,
    /// Nobody else may have its value, whatever the case of the letters: a name with `@contoso.example`.
    pub(crate) unique: &'static str,
    /// A text that may be empty.
    pub(crate) department: &'static str,
    /// Another.
    pub(crate) title: &'static str,
    /// Where accounts are made; `None` where there are no containers.
    pub(crate) container: Option<&'static str>,
    /// What an account of this name needs besides, to be made.
    pub(crate) besides: fn(&str) -> Vec<(&'static str, String)>,
    /// A group that may be made there; `None` where there are none.
    pub(crate) group: Option<&'static str>,
}

/// As Microsoft Graph calls them.
pub(crate) const GRAPH: Names = Names {
    id: "employeeId",
    display: "displayName",
    unique: "userPrincipalName",
    department: "department",
    title: "jobTitle",
    container: None,
    besides: |_| Vec::new(),
    group: None,
};

/// As the simulated directory is used here.
const SIMULATED: Names = Names { group: Some("Everybody"), ..GRAPH };

/// An identifier that would end a quoted text, match everything or close a bracket, were it not escaped.
const ODD_ID: &str = r#"o'n"*(x)\"#;

/// A writer under test, and what its directory calls things.
struct Suite<'a> {
    writer: &'a dyn Writer,
    names: &'a Names,
}

/// The whole life of some accounts. The directory must be empty, and take `contoso.example`.
pub(crate) async fn conformance(writer: &dyn Writer, names: &Names) {
    let suite = Suite { writer, names };
    let anna = suite.accounts_are_made_once().await;
    suite.accounts_are_found(&anna).await;
    suite.odd_values_are_only_values().await;
    suite.changes_may_be_carried_twice(&anna).await;
    suite.managers_come_and_go(&anna).await;
    suite.members_come_and_go(&anna).await;
    suite.what_is_gone_is_gone(&anna).await;
}

impl Suite<'_> {
    fn read_all(&self) -> [&'static str; 4] {
        [self.names.display, self.names.department, self.names.title, "accountEnabled"]
    }

    async fn make(&self, id: &str, name: &str) -> Result<Known, WriteError> {
        let unique = format!("{name}@contoso.example");
        let Names { id: id_name, display, unique: unique_name, department, .. } = self.names;
        let set = [(*id_name, id), (display, name), (unique_name, &unique), (department, "Sales")];
        let mut creation = change(ChangeKind::Create, None, &set, &[]);
        creation.set.set(Name::new("accountEnabled"), Value::Boolean(true));
        for (attribute, value) in (self.names.besides)(name) {
            creation.set.set(Name::new(attribute), Value::Text(value));
        }
        creation.container = self.names.container.map(|container| Dn::parse(container).unwrap());
        self.writer.write(&errand(), &creation).await.map(|known| known.unwrap())
    }

    async fn find(&self, keys: &[(&str, &str)]) -> Found {
        self.writer.find(&by_keys(keys, &self.read_all())).await.unwrap()
    }

    async fn read(&self, object: &ObjectId) -> Known {
        match self.writer.find(&by_object(object, &self.read_all())).await.unwrap() {
            Found::One(known) => known,
            other => panic!("{other:?}"),
        }
    }

    async fn delete(&self, object: &ObjectId) {
        let deletion = change(ChangeKind::Delete, Some(object), &[], &[]);
        assert_eq!(self.writer.write(&errand(), &deletion).await.unwrap(), None);
    }

    async fn accounts_are_made_once(&self) -> ObjectId {
        assert_eq!(self.find(&[(self.names.id, "7")]).await, Found::Nobody);
        let made = self.make("7", "anna").await.unwrap();
        assert_eq!(made.attributes.get(self.names.display), Some(&Value::text("anna")));
        assert!(!made.synced);

        let error = self.make("7", "ANNA").await.unwrap_err();
        let WriteError::Taken { attribute, .. } = error else { panic!("{error:?}") };
        let besides = (self.names.besides)("anna");
        let may_be_named =
            attribute == Name::new(self.names.unique) || besides.iter().any(|(name, _)| attribute == **name);
        assert!(may_be_named, "{attribute}");
        made.object
    }

    async fn accounts_are_found(&self, anna: &ObjectId) {
        let Names { id, display, department, title, unique, .. } = self.names;
        let keys = [(*title, ""), (id, "nobody's"), (unique, "Anna@Contoso.Example")];
        let Found::One(found) = self.find(&keys).await else { panic!("nobody") };
        assert_eq!(found.object, *anna);
        assert_eq!(found.attributes.get(department), Some(&Value::text("Sales")));
        // It was looked at, and is empty: that is not the same as not known.
        assert_eq!(found.attributes.get(title), Some(&Value::Null));

        let eve = self.make("7", "eve").await.unwrap().object;
        let Found::Several(mut several) = self.find(&[(id, "7"), (display, "anna")]).await else { panic!("one") };
        let mut both = vec![anna.clone(), eve.clone()];
        several.sort();
        both.sort();
        assert_eq!(several, both);
        self.delete(&eve).await;
    }

    async fn odd_values_are_only_values(&self) {
        let odd = self.make(ODD_ID, "odd").await.unwrap().object;
        let Found::One(found) = self.find(&[(self.names.id, ODD_ID)]).await else { panic!("not found") };
        assert_eq!(found.object, odd);
        assert_eq!(self.find(&[(self.names.id, "*")]).await, Found::Nobody);
        self.delete(&odd).await;
    }

    async fn changes_may_be_carried_twice(&self, anna: &ObjectId) {
        let Names { display, department, title, .. } = self.names;
        let set = [(*title, "Buyer"), (display, "Anna O'Neil")];
        let mut update = change(ChangeKind::Update, Some(anna), &set, &[department]);
        update.before = self.read(anna).await.attributes;
        let once = self.writer.write(&errand(), &update).await.unwrap().unwrap();
        assert_eq!(self.writer.write(&errand(), &update).await.unwrap(), Some(once.clone()));
        assert_eq!(once.attributes.get(department), Some(&Value::Null));

        let held = self.read(anna).await;
        assert_eq!(held.attributes.get(display), Some(&Value::text("Anna O'Neil")));
        assert_eq!(held.attributes.get(title), Some(&Value::text("Buyer")));
        assert_eq!(held.attributes.get(department), Some(&Value::Null));

        for (kind, enabled) in [(ChangeKind::Disable, false), (ChangeKind::Enable, true)] {
            let mut switch = change(kind, Some(anna), &[], &[]);
            switch.set.set(Name::new("accountEnabled"), Value::Boolean(enabled));
            self.writer.write(&errand(), &switch).await.unwrap();
            assert_eq!(self.read(anna).await.attributes.get("accountEnabled"), Some(&Value::Boolean(enabled)));
        }
    }

    async fn managers_come_and_go(&self, anna: &ObjectId) {
        let boss = self.make("1", "boss").await.unwrap().object;
        for manager in [Some(&boss), Some(&boss), None, None] {
            self.writer.set_manager(&errand(), anna, manager).await.unwrap();
        }
    }

    async fn members_come_and_go(&self, anna: &ObjectId) {
        let Some(name) = self.names.group else { return };
        let mut group = Group { name: name.to_owned(), create: false };
        let error = self.writer.set_member(&errand(), &group, anna, true).await.unwrap_err();
        assert!(matches!(error, WriteError::Refused { ref code, .. } if code == NO_GROUP), "{error:?}");
        group.create = true;
        for (is_member, became) in [
            (true, Membership::Changed),
            (true, Membership::WasSo),
            (false, Membership::Changed),
            (false, Membership::WasSo),
        ] {
            assert_eq!(self.writer.set_member(&errand(), &group, anna, is_member).await.unwrap(), became);
        }
    }

    async fn what_is_gone_is_gone(&self, anna: &ObjectId) {
        self.delete(anna).await;
        self.delete(anna).await;
        assert_eq!(self.writer.find(&by_object(anna, &self.read_all())).await.unwrap(), Found::Nobody);
        let update = change(ChangeKind::Update, Some(anna), &[(self.names.title, "x")], &[]);
        assert!(matches!(self.writer.write(&errand(), &update).await, Err(WriteError::Gone { .. })));
        self.make("7", "anna").await.unwrap();
    }
}

#[tokio::test]
async fn the_simulated_directory_does_what_every_writer_owes() {
    conformance(&SimulatedWriter::new(), &SIMULATED).await;
}

#[tokio::test]
async fn the_graph_writer_does_what_every_writer_owes() {
    let practice = Practice::start();
    let writer = practice.writer();
    conformance(&writer, &GRAPH).await;
    assert_eq!(practice.sandbox.requests().tokens, 1);
}

#[tokio::test]
async fn the_simulated_directory_fails_when_it_is_told_to() {
    use muster::writer::Cause;
    let writer = SimulatedWriter::new();
    writer.lose_next_answer(WriteError::Unknown { cause: Cause("lost".to_owned()) });
    let suite = Suite { writer: &writer, names: &SIMULATED };
    assert!(matches!(suite.make("7", "anna").await, Err(WriteError::Unknown { .. })));
    assert_eq!(writer.accounts().len(), 1);

    writer.fail_next_find(WriteError::Later { after: None, cause: Cause("busy".to_owned()) });
    let look = by_keys(&[("employeeId", "7")], &["displayName"]);
    assert!(matches!(writer.find(&look).await, Err(WriteError::Later { .. })));
    let Found::One(anna) = writer.find(&look).await.unwrap() else { panic!("nobody") };
    assert_eq!(writer.writes().get(&anna.object), Some(&1));
}
