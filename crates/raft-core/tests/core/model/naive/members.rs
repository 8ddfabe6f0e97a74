//! Members, and the text that shows them.

use super::Model;

impl Model {
    pub(crate) fn note_members(&mut self, voters: &[u64], observers: &[u64]) {
        let former = std::mem::take(&mut self.members);
        let voters = voters.iter().map(|id| (*id, true));
        for (id, votes) in voters.chain(observers.iter().map(|id| (*id, false))) {
            let has_port = former.get(&id).is_some_and(|(_, has_port)| *has_port);
            self.members.insert(id, (votes, has_port));
        }
    }

    /// Says whether it was a member.
    pub(crate) fn announce(&mut self, id: u64, clients: bool) -> bool {
        let Some((_, has_port)) = self.members.get_mut(&id) else {
            return false;
        };
        *has_port = clients;
        self.publish();
        true
    }

    pub(crate) fn publish(&mut self) {
        let nobody = self.members.values().all(|(_, has_port)| !has_port);
        if self.config.is_empty() && nobody {
            return;
        }
        let line = |(id, (votes, has_port)): (&u64, &(bool, bool))| {
            let role = if *votes { "participant" } else { "observer" };
            let port = if *has_port {
                format!(";10.0.0.{id}:2181")
            } else {
                String::new()
            };
            format!("server.{id}=10.0.0.{id}:7500:7400:{role}{port}\n")
        };
        let lines: String = self.members.iter().map(line).collect();
        let shown = self.config.rsplit_once('\n').map_or("", |(lines, _)| lines);
        if lines.trim_end() == shown && !self.config.is_empty() {
            return;
        }
        self.config = format!("{lines}version={:x}", self.zxid);
        let node = self.nodes.get_mut("/zookeeper/config").unwrap();
        node.zxids[1] = self.zxid;
        node.mtime = self.time;
        node.data = Some(self.config.as_bytes().to_vec());
        self.show_usage();
    }
}
