//! Random operations on work queues, by sessions and by ZooKeeper clients as kazoo's `LockingQueue`, applied to
//! the state machine and to a list that is searched from end to end. After each the two agree on which items
//! there are, who has them, how often they were tried and which have died. So an item is at one consumer at a
//! time, none is lost, and the first by priority and age goes first.

use proptest::prelude::*;
use raft_core::acl::AclEntry;
use raft_core::command::{
    Command, Create, CreateKind, Delivery, Expect, GiveBackItem, OpenSession, Owner, PutItem,
    SessionRef, ZnodeOp,
};
use raft_core::ids::{ItemId, QueueName, SessionId, Zxid};
use raft_core::outcome::{Outcome, Reply};
use raft_core::queue::QueueSettings;

use crate::harness::{Harness, restored, variant};
use crate::words::Words;

/// How one who has an item ends that.
#[derive(Clone, Copy, Debug)]
enum End {
    Ack,
    GiveBack,
    GiveBackUncounted,
    /// A multi of two deletes, as kazoo's `consume`.
    Consume,
    /// A delete, as kazoo's `release`.
    Release,
}

/// One command of a run. Sessions and items are named by their places in a list.
#[derive(Clone, Debug)]
enum Step {
    Open,
    Close(usize),
    Put(u16),
    /// By a plain sequential create.
    Create(u16),
    Take(usize, u32),
    /// By a plain ephemeral create for the first free item.
    Mark(usize),
    /// By whoever has the item, or by somebody else, or with an old number.
    End(End, usize, Who),
    Delete(usize),
    Configure(Option<u32>, Option<u32>),
    Drop,
    Redrive(u32),
    Time(u64),
    Snapshot,
}

#[derive(Clone, Copy, Debug)]
enum Who {
    Owner,
    Other,
    Late,
}

fn step() -> impl Strategy<Value = Step> {
    let by = || 0..3_usize;
    let item = || 0..6_usize;
    let priority = || prop::sample::select(vec![7_u16, 100]);
    let end = prop::sample::select(vec![
        End::Ack,
        End::GiveBack,
        End::GiveBackUncounted,
        End::Consume,
        End::Release,
    ]);
    let who = prop::sample::select(vec![
        Who::Owner,
        Who::Owner,
        Who::Owner,
        Who::Other,
        Who::Late,
    ]);
    let few = |most: u32| prop::option::of(1..most);
    prop_oneof![
        2 => Just(Step::Open),
        1 => by().prop_map(Step::Close),
        6 => priority().prop_map(Step::Put),
        3 => priority().prop_map(Step::Create),
        6 => (by(), 1..3_u32).prop_map(|(by, most)| Step::Take(by, most)),
        3 => by().prop_map(Step::Mark),
        8 => (end, item(), who).prop_map(|(end, item, who)| Step::End(end, item, who)),
        1 => item().prop_map(Step::Delete),
        1 => (few(4), few(6)).prop_map(|(tries, items)| Step::Configure(tries, items)),
        1 => Just(Step::Drop),
        1 => (1..3_u32).prop_map(Step::Redrive),
        1 => prop::sample::select(vec![1, 400, 70_000]).prop_map(Step::Time),
        1 => Just(Step::Snapshot),
    ]
}

#[derive(Clone, Debug, PartialEq)]
struct Item {
    priority: u16,
    /// In the order of their creation.
    data: u64,
    name: String,
    tries: u32,
    /// By whom, in which delivery.
    taken: Option<(u64, u64)>,
}

struct Pair {
    harness: Harness,
    zxid: u64,
    sessions: Vec<u64>,
    settings: QueueSettings,
    items: Vec<Item>,
    dead: Vec<(u64, u32)>,
    /// Items made so far; the number of the last is in its data.
    made: u64,
}

impl Pair {
    fn new() -> Pair {
        Pair {
            harness: Harness::new(),
            zxid: 0,
            sessions: Vec::new(),
            settings: QueueSettings::default(),
            items: Vec::new(),
            dead: Vec::new(),
            made: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        let by = |by: &usize| self.sessions.get(*by).copied();
        match step {
            Step::Open => {
                assert!(self.send(None, open()).result.is_ok());
                self.sessions.push(self.zxid);
            }
            Step::Close(place) => {
                let Some(session) = by(place) else { return };
                let close = Command::CloseSession(SessionRef::Id(SessionId(session)));
                self.send(None, close);
                self.sessions.retain(|other| *other != session);
                let owns = |item: &Item| item.taken.is_some_and(|(by, _)| by == session);
                self.come_back(owns, true);
            }
            Step::Put(priority) => self.put(*priority),
            Step::Create(priority) => self.create(*priority),
            Step::Take(place, most) => {
                let Some(session) = by(place) else { return };
                self.take(session, *most);
            }
            Step::Mark(place) => {
                let Some(session) = by(place) else { return };
                self.mark(session);
            }
            Step::End(end, item, who) => self.end(*end, *item, *who),
            Step::Delete(place) => {
                let Some(item) = self.items.get(*place).cloned() else {
                    return;
                };
                if item.taken.is_none() {
                    assert!(self.send(None, delete(&entry(&item.name))).result.is_ok());
                    self.items.remove(*place);
                }
            }
            Step::Configure(max_tries, max_items) => {
                self.settings = QueueSettings {
                    max_tries: *max_tries,
                    max_items: *max_items,
                };
                self.configure(Some(self.settings));
            }
            Step::Drop => {
                self.settings = QueueSettings::default();
                self.configure(None);
            }
            Step::Redrive(most) => self.redrive(*most),
            Step::Time(ms) => {
                self.harness.stamp.log_time.0 += ms;
                self.send(None, Command::ExpireDue);
            }
            Step::Snapshot => self.harness.state = restored(&self.harness.state),
        }
        self.compare();
    }

    fn put(&mut self, priority: u16) {
        let data = Some(self.made.to_string().into());
        let put = PutItem {
            queue: queue(),
            priority,
            data,
            content_type: None,
        };
        let outcome = self.send(None, Command::PutItem(put));
        if self.is_full(1) {
            assert_eq!(refused(&outcome), "QueueFull");
            return;
        }
        let Ok(Reply::ItemPut { item }) = &outcome.result else {
            panic!("{outcome:?}");
        };
        let data = self.made;
        self.made += 1;
        self.add(priority, data, item.as_str());
    }

    /// kazoo does not know of the bound.
    fn create(&mut self, priority: u16) {
        let path = format!("/queues/q/entries/entry-{priority:03}-");
        let kind = CreateKind::Persistent;
        let create = create(&path, &self.made.to_string(), kind);
        let sequential = Create {
            sequential: true,
            parents: true,
            ..create
        };
        let command = Command::Znode(ZnodeOp::Create(sequential));
        let outcome = self.send(None, command);
        let Ok(Reply::Znode(raft_core::outcome::ZnodeReply::Created { path, .. })) =
            &outcome.result
        else {
            panic!("{outcome:?}");
        };
        let data = self.made;
        self.made += 1;
        self.add(priority, data, path.name());
    }

    fn add(&mut self, priority: u16, data: u64, name: &str) {
        let item = Item {
            priority,
            data,
            name: name.to_owned(),
            tries: 0,
            taken: None,
        };
        let behind = |other: &Item| other.priority <= priority;
        let at = self.items.iter().filter(|other| behind(other)).count();
        self.items.insert(at, item);
    }

    fn is_full(&self, more: usize) -> bool {
        let most = self.settings.max_items;
        most.is_some_and(|most| self.items.len() + more > most as usize)
    }

    fn take(&mut self, session: u64, most: u32) {
        let take = Command::TakeItems {
            queue: queue(),
            most,
        };
        let outcome = self.send(Some(session), take);
        let Ok(Reply::ItemsTaken { delivery, items }) = &outcome.result else {
            panic!("{outcome:?}");
        };
        assert_eq!(delivery.0, self.zxid);
        let free = self.items.iter_mut().filter(|item| item.taken.is_none());
        let mut expected = Vec::new();
        for item in free.take(most as usize) {
            item.taken = Some((session, delivery.0));
            expected.push(item.name.clone());
        }
        let items: Vec<&str> = items.iter().map(ItemId::as_str).collect();
        assert_eq!(items, expected);
    }

    fn mark(&mut self, session: u64) {
        let Some(at) = self.items.iter().position(|item| item.taken.is_none()) else {
            return;
        };
        let path = taken(&self.items[at].name);
        let create = Create {
            parents: true,
            ..create(&path, "uuid", CreateKind::Ephemeral)
        };
        // The parent is there already, or was reaped: kazoo makes it first. Its parents are persistent.
        let outcome = self.send(Some(session), Command::Znode(ZnodeOp::Create(create)));
        assert!(outcome.result.is_ok(), "{outcome:?}");
        self.items[at].taken = Some((session, self.zxid));
    }

    fn end(&mut self, end: End, place: usize, who: Who) {
        let Some(item) = self.items.get(place).cloned() else {
            return;
        };
        let Some((owner, number)) = item.taken else {
            return;
        };
        let other = self.sessions.iter().copied().find(|one| *one != owner);
        let (session, number, refusal) = match (who, other) {
            (Who::Owner, _) => (owner, number, None),
            (Who::Late, _) => (owner, number - 1, Some("DeliveryEnded")),
            (Who::Other, Some(other)) => (other, number, Some("ItemNotYours")),
            (Who::Other, None) => return,
        };
        let delivery = Delivery {
            queue: queue(),
            item: ItemId::parse(&item.name).unwrap(),
            number: Zxid(number),
        };
        let give = |delivery, counts| {
            Command::GiveBackItem(GiveBackItem {
                delivery,
                counts,
                reason: None,
            })
        };
        let is_this = move |other: &Item| other.name == item.name;
        match end {
            End::Ack | End::GiveBack | End::GiveBackUncounted => {
                let command = match end {
                    End::Ack => Command::AckItem(delivery),
                    End::GiveBack => give(delivery, true),
                    _ => give(delivery, false),
                };
                let outcome = self.send(Some(session), command);
                if let Some(refusal) = refusal {
                    assert_eq!(refused(&outcome), refusal);
                    return;
                }
                assert!(outcome.result.is_ok(), "{outcome:?}");
                match end {
                    End::Ack => self.items.retain(|item| !is_this(item)),
                    End::GiveBack => self.come_back(is_this, true),
                    _ => self.come_back(is_this, false),
                }
            }
            End::Consume => {
                let name = self.items[place].name.clone();
                let ops = [entry(&name), taken(&name)].map(|path| ZnodeOp::Delete {
                    path,
                    expect: Expect::Any,
                });
                let outcome = self.send(Some(owner), Command::Multi(ops.into()));
                assert!(outcome.result.is_ok(), "{outcome:?}");
                self.items.retain(|item| !is_this(item));
            }
            End::Release => {
                let path = taken(&self.items[place].name);
                assert!(self.send(Some(owner), delete(&path)).result.is_ok());
                self.come_back(is_this, true);
            }
        }
    }

    /// Items come back: a try each, if it counts, and for some the last.
    fn come_back(&mut self, which: impl Fn(&Item) -> bool, counts: bool) {
        let names: Vec<String> = self
            .items
            .iter()
            .filter(|item| which(item))
            .map(|item| item.name.clone())
            .collect();
        for name in names {
            let at = self
                .items
                .iter()
                .position(|item| item.name == name)
                .unwrap();
            let item = &mut self.items[at];
            item.taken = None;
            item.tries += u32::from(counts);
            let most = self.settings.max_tries.filter(|_| counts);
            if most.is_some_and(|most| item.tries >= most) {
                self.dead.push((item.data, item.tries));
                self.items.remove(at);
            }
        }
        self.dead.sort_unstable();
    }

    fn configure(&mut self, settings: Option<QueueSettings>) {
        let queue = queue();
        let configure = Command::ConfigureQueue { queue, settings };
        assert!(self.send(None, configure).result.is_ok());
    }

    fn redrive(&mut self, most: u32) {
        let letters = self
            .harness
            .state
            .dead_letters(&queue(), None, most as usize);
        let number = |data: Option<&[u8]>| {
            let text = std::str::from_utf8(data.unwrap()).unwrap();
            text.parse::<u64>().unwrap()
        };
        let expected: Vec<_> = letters
            .iter()
            .map(|letter| {
                let priority = raft_core::queue::priority_of(letter.id);
                (priority, number(letter.znode.data.as_deref()))
            })
            .collect();
        let is_full = !expected.is_empty() && self.is_full(expected.len());
        let redrive = Command::Redrive {
            queue: queue(),
            item: None,
            most,
        };
        let outcome = self.send(None, redrive);
        if is_full {
            assert_eq!(refused(&outcome), "QueueFull");
            return;
        }
        let moved = u32::try_from(expected.len()).unwrap();
        let left = u32::try_from(self.dead.len()).unwrap() - moved;
        assert_eq!(outcome.result, Ok(Reply::Redriven { moved, left }));
        for (priority, data) in expected {
            self.dead.retain(|(other, _)| *other != data);
            let items = self.harness.state.items(&queue(), None, 100);
            let found = items
                .iter()
                .find(|item| number(item.znode.data.as_deref()) == data);
            let name = found.unwrap().id.to_owned();
            self.add(priority, data, &name);
        }
    }

    fn send(&mut self, by: Option<u64>, command: Command) -> Outcome {
        self.zxid += 1;
        let settings = by.map(|session| format!("session=#{session}"));
        let settings = Words::parse(&settings.unwrap_or_default());
        let request = self.harness.request(settings, command);
        self.harness.apply(&request)
    }

    fn compare(&self) {
        let state = &self.harness.state;
        let found: Vec<Item> = state
            .items(&queue(), None, 1_000)
            .iter()
            .map(|item| Item {
                priority: raft_core::queue::priority_of(item.id),
                data: text(item.znode.data.as_deref()),
                name: item.id.to_owned(),
                tries: item.tries(),
                taken: item
                    .delivery()
                    .map(|(number, by)| (by.unwrap().0, number.0)),
            })
            .collect();
        assert_eq!(found, self.items);
        let letters = state.dead_letters(&queue(), None, 1_000);
        let mut dead: Vec<_> = letters
            .iter()
            .map(|letter| (text(letter.znode.data.as_deref()), letter.why.tries))
            .collect();
        dead.sort_unstable();
        assert_eq!(dead, self.dead);
        let is_free = self.items.iter().any(|item| item.taken.is_none());
        assert_eq!(state.has_free_items(&queue()), is_free);
    }
}

fn text(data: Option<&[u8]>) -> u64 {
    std::str::from_utf8(data.unwrap()).unwrap().parse().unwrap()
}

fn queue() -> QueueName {
    QueueName::parse("q").unwrap()
}

fn entry(name: &str) -> String {
    format!("/queues/q/entries/{name}")
}

fn taken(name: &str) -> String {
    format!("/queues/q/taken/{name}")
}

fn open() -> Command {
    Command::OpenSession(OpenSession {
        name: None,
        timeout_ms: 10_000,
        password: [0; 16],
        owner: Owner::default(),
        lock_delay_ms: 0,
    })
}

fn create(path: &str, data: &str, kind: CreateKind) -> Create {
    Create {
        path: path.to_owned(),
        data: Some(data.to_owned().into()),
        content_type: None,
        acl: vec![AclEntry::open()],
        kind,
        sequential: false,
        parents: false,
    }
}

fn delete(path: &str) -> Command {
    Command::Znode(ZnodeOp::Delete {
        path: path.to_owned(),
        expect: Expect::Any,
    })
}

fn refused(outcome: &Outcome) -> String {
    variant(outcome.result.as_ref().unwrap_err())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn queues_do_what_the_model_does(steps in prop::collection::vec(step(), 1..80)) {
        let mut pair = Pair::new();
        for step in &steps {
            pair.step(step);
        }
    }
}
