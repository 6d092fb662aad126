//! The people of Contoso, as `samples/contoso/` has them: a thousand, with what real exports have.

use std::collections::{HashMap, HashSet};

use crate::cultures::{CULTURES, Culture};
use crate::people::{Dice, HEADER};

const PEOPLE: u64 = 1_060;
const ANCHOR_FIRST: u64 = 701_001;
/// Anna Müller: the person of every example.
const ANNA: &str = "701984";
const ANNA_USER_ID: &str = "anna.mueller";
const SEED: u64 = 20_260_105;

const DIVISIONS: &[(&str, &[&str])] = &[
    ("Operations", &["Manufacturing", "Logistics", "Purchasing", "Facilities"]),
    ("Technology", &["Engineering", "Platform", "Research & Development", "Service Desk"]),
    ("Commercial", &["Sales", "Marketing", "Customer Care"]),
    ("Corporate", &["Finance", "Human Resources", "Legal, Risk and Compliance", "Works Council"]),
];
const TITLES: &[&str] = &[
    "Engineer",
    "Senior Engineer",
    "Analyst",
    "Accountant",
    "Buyer",
    "Technician",
    "Team Lead",
    "Sales Manager",
    "Nurse",
    "Clerk",
    "Counsel",
    "Editor, Internal News",
    "Engineer \"Platform\"",
    "Maître d'hôtel",
    "Прогноз-аналитик",
];

/// The columns, in the order of [`HEADER`].
mod at {
    pub(super) const WORKER_ID: usize = 0;
    pub(super) const USER_ID: usize = 1;
    pub(super) const FIRST_NAME: usize = 2;
    pub(super) const MIDDLE_NAME: usize = 3;
    pub(super) const LAST_NAME: usize = 4;
    pub(super) const FULL_NAME: usize = 5;
    pub(super) const STATUS: usize = 6;
    pub(super) const WORKER_TYPE: usize = 7;
    pub(super) const JOB_TITLE: usize = 8;
    pub(super) const DEPARTMENT: usize = 9;
    pub(super) const MANAGER_ID: usize = 13;
    pub(super) const MOBILE_PHONE: usize = 16;
    pub(super) const STREET: usize = 17;
    pub(super) const BUILDING: usize = 22;
}

type Row = [String; 24];

/// `samples/contoso/people.csv`.
pub(crate) fn people_csv() -> String {
    let mut rows = people();
    // Contradicting rows of one person, and rows that the export has twice or three times.
    let mut moved = rows[400].clone();
    moved[at::DEPARTMENT] = "Unassigned".to_owned();
    rows.insert(650, moved);
    for (from, to) in [(10, 11), (200, 900), (300, 301), (300, 302)] {
        let again = rows[from].clone();
        rows.insert(to, again);
    }
    to_csv(&rows)
}

/// `samples/contoso/people-next-week.csv`: some changed, some new, some gone; what contradicted itself is mended.
pub(crate) fn people_next_week_csv() -> String {
    let mut rows = people();
    let mut dice = Dice::new(SEED + 7);
    for (count, place) in (5..rows.len()).step_by(35).enumerate() {
        change(&mut rows[place], count, &mut dice);
    }
    let leavers = rows.iter_mut().filter(|row| row[at::STATUS] == "Active").skip(3).step_by(110).take(8);
    for row in leavers {
        row[at::STATUS] = "Terminated".to_owned();
    }
    let mut made = Made::default();
    rows.iter().for_each(|row| made.user_ids.extend([row[at::USER_ID].clone()]));
    for number in 0..10 {
        let mut row = person(PEOPLE + number, &mut dice, &mut made);
        row[at::STATUS] = "Active".to_owned();
        row[at::MANAGER_ID] = rows[number as usize * 50][at::WORKER_ID].clone();
        rows.insert(number as usize * 100, row);
    }
    for missing in [901, 702, 503, 104] {
        rows.remove(missing);
    }
    to_csv(&rows)
}

/// What a week changes of a person.
fn change(row: &mut Row, count: usize, dice: &mut Dice) {
    match count % 6 {
        0 => row[at::JOB_TITLE] = format!("Principal {}", dice.pick(TITLES)),
        1 => row[at::STATUS] = "On Leave".to_owned(),
        2 => row[at::MOBILE_PHONE] = format!("+00 170 {:07}", dice.below(10_000_000)),
        3 => row[at::LAST_NAME].push_str("-Nguyễn"),
        4 => row[at::DEPARTMENT] = "Platform".to_owned(),
        _ => row[at::BUILDING] = format!("Annex {}", dice.below(9) + 1),
    }
}

/// Everybody, once, in an order that has managers before and after those they lead.
fn people() -> Vec<Row> {
    let mut dice = Dice::new(SEED);
    let mut made = Made::default();
    let mut rows: Vec<Row> = (0..PEOPLE).map(|number| person(number, &mut dice, &mut made)).collect();
    give_managers(&mut rows, &mut dice);
    make_oddities(&mut rows);
    for last in (1..rows.len()).rev() {
        rows.swap(last, dice.below(last as u64 + 1) as usize);
    }
    rows
}

/// What must not be given twice.
#[derive(Default)]
struct Made {
    user_ids: HashSet<String>,
}

impl Made {
    /// `wanted`, or the first free one with a number behind it.
    fn user_id(&mut self, wanted: &str) -> String {
        let numbered = (2..).map(|number| format!("{wanted}{number}"));
        let taken = |id: &String| id == ANNA_USER_ID || self.user_ids.contains(id);
        let free = std::iter::once(wanted.to_owned()).chain(numbered).find(|id| !taken(id));
        let free = free.unwrap_or_default();
        self.user_ids.insert(free.clone());
        free
    }
}

fn person(number: u64, dice: &mut Dice, made: &mut Made) -> Row {
    let anchor = (ANCHOR_FIRST + number).to_string();
    let anna = anchor == ANNA;
    let culture = if anna { &CULTURES[0] } else { &CULTURES[dice.below(CULTURES.len() as u64) as usize] };
    let pick = |dice: &mut Dice, among: &'static [(&str, &str)]| among[dice.below(among.len() as u64) as usize];
    let (mut given, mut family) = if anna {
        (culture.given[0], culture.family[0])
    } else {
        (pick(dice, culture.given), pick(dice, culture.family))
    };
    let kind = if anna || number == 0 { "Employee" } else { worker_type(dice) };
    if kind == "Service" {
        (given, family) =
            (("", "service"), [("Reception Desk", "reception"), ("Print Room", "print")][(number % 2) as usize]);
    }
    let middle = if dice.chance(12) { pick(dice, culture.given).0 } else { "" };
    let middle = if middle == given.0 || kind == "Service" { "" } else { middle };
    let user_id = if anna { ANNA_USER_ID.to_owned() } else { made.user_id(&format!("{}.{}", given.1, family.1)) };
    let (division, departments) = DIVISIONS[dice.below(DIVISIONS.len() as u64) as usize];
    let department = *dice.pick(&departments.iter().collect::<Vec<_>>());
    let status = match dice.below(100) {
        _ if anna || number == 0 => "Active",
        0..6 => "Terminated",
        6..9 => "On Leave",
        _ => "Active",
    };
    let mail_domain = if kind == "Contractor" { "partners.contoso.example" } else { "contoso.example" };
    let email = if kind == "Service" { String::new() } else { format!("{user_id}@{mail_domain}") };
    let [office_phone, mobile_phone] = phones(culture, dice);
    let (year, month, day) = (1989 + dice.below(37), dice.below(12) + 1, dice.below(28) + 1);
    [
        anchor,
        user_id,
        given.0.to_owned(),
        middle.to_owned(),
        family.0.to_owned(),
        full_name(culture, given.0, middle, family.0),
        status.to_owned(),
        kind.to_owned(),
        title(number, dice),
        department.to_owned(),
        division.to_owned(),
        culture.company.to_owned(),
        format!("{:04}-{}", 1000 + dice.below(80), &division[..2].to_uppercase()),
        String::new(),
        email,
        office_phone,
        mobile_phone,
        format!("{} {}", culture.street, dice.below(180) + 1),
        culture.city.to_owned(),
        culture.zip.to_owned(),
        dice.pick(culture.country).to_owned(),
        if dice.chance(90) { culture.language.to_owned() } else { String::new() },
        format!("{}{}", ["HQ", "A", "B", "North "][dice.below(4) as usize], dice.below(12) + 1),
        format!("{year}-{month:02}-{day:02}"),
    ]
}

/// The first titles of the list are the commonest.
fn title(number: u64, dice: &mut Dice) -> String {
    let among = TITLES.len() as u64;
    let common = dice.below(among).min(dice.below(among)).min(dice.below(among));
    if number == 0 { "Chief Executive".to_owned() } else { TITLES[common as usize].to_owned() }
}

fn worker_type(dice: &mut Dice) -> &'static str {
    match dice.below(100) {
        0..14 => "Contractor",
        14..19 => "Intern",
        19..21 => "Service",
        _ => "Employee",
    }
}

fn phones(culture: &Culture, dice: &mut Dice) -> [String; 2] {
    let office = if dice.chance(80) { format!("{} {:04}", culture.phone, dice.below(10_000)) } else { String::new() };
    let mobile = if dice.chance(30) { format!("{} 9{:05}", culture.phone, dice.below(100_000)) } else { String::new() };
    [office, mobile]
}

fn full_name(culture: &Culture, given: &str, middle: &str, family: &str) -> String {
    let together = matches!(culture.language, "zh-CN" | "ja-JP" | "ko-KR");
    let parts = if culture.family_first { [family, middle, given] } else { [given, middle, family] };
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(if together { "" } else { " " })
}

/// The first of a department at a company leads it there; the first of all leads those.
fn give_managers(rows: &mut [Row], dice: &mut Dice) {
    let mut heads: HashMap<String, String> = HashMap::new();
    let chief = rows[0][at::WORKER_ID].clone();
    for row in rows.iter_mut().skip(1) {
        let (department, own) = (row[at::DEPARTMENT].clone(), row[at::WORKER_ID].clone());
        let head = heads.entry(department).or_insert_with(|| own.clone());
        let manager = if *head == own { chief.clone() } else { head.clone() };
        row[at::MANAGER_ID] = if dice.chance(97) { manager } else { String::new() };
    }
}

/// What one finds in every real export, once or twice.
fn make_oddities(rows: &mut [Row]) {
    let number = |place: usize| (ANCHOR_FIRST + place as u64).to_string();
    rows[30][at::MANAGER_ID] = number(30);
    rows[31][at::MANAGER_ID] = "799999".to_owned();
    (rows[32][at::MANAGER_ID], rows[33][at::MANAGER_ID]) = (number(33), number(32));
    rows[34][at::STATUS] = "Terminated".to_owned();
    rows[35][at::MANAGER_ID] = number(34);
    // A number with zeroes before it, which a spreadsheet would lose, and one of an agency.
    rows[36][at::WORKER_ID] = "004711".to_owned();
    rows[37][at::WORKER_ID] = "X-20311".to_owned();
    rows[37][at::WORKER_TYPE] = "Contractor".to_owned();
    rows[38][at::MANAGER_ID] = "004711".to_owned();
    // One name only; an accent of its own (NFD); one longer than any form expects.
    (rows[40][at::FIRST_NAME], rows[40][at::FULL_NAME]) = (String::new(), rows[40][at::LAST_NAME].clone());
    (rows[41][at::FIRST_NAME], rows[41][at::FULL_NAME]) =
        ("Jose\u{301}".to_owned(), "Jose\u{301} Marti\u{301}".to_owned());
    rows[41][at::LAST_NAME] = "Marti\u{301}".to_owned();
    rows[42][at::MIDDLE_NAME] = "Philipp Franz Joseph Maria Sylvester Buhl-Freiherr von und zu Guttenberg".to_owned();
    for (place, street) in [
        (50, "Haus \"Sonne\"\nEingang B, 2. Stock"),
        (51, "c/o Fabrikam, Inc.\r\nDock 7"),
        (52, "\"The Old Mill\""),
        (53, " leading and trailing blanks "),
    ] {
        rows[place][at::STREET] = street.to_owned();
    }
    rows[54][at::JOB_TITLE] = "Head of \"Everything\"; acting".to_owned();
}

fn to_csv(rows: &[Row]) -> String {
    let mut csv = format!("{HEADER}\n");
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| quoted(cell)).collect();
        csv.push_str(&cells.join(","));
        csv.push('\n');
    }
    csv
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}
