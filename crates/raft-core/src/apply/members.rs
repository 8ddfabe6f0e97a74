//! What `/zookeeper/config` shows.

use crate::data::Data;

use crate::apply::Step;
use crate::ids::ZnodePath;
use crate::members::{self, MemberEver, PresentMember};
use crate::outcome::{Refusal, Reply};
use crate::path;

impl Step<'_> {
    /// Records where ZooKeeper clients reach a member, and shows it.
    pub(crate) fn announce_clients(
        &mut self,
        node: u64,
        address: Option<&str>,
    ) -> Result<Reply, Refusal> {
        address.map_or(Ok(()), members::check_clients_address)?;
        let Some(known) = self.state.member(node) else {
            return Err(Refusal::BadArguments(format!(
                "node {node} is not a member of the cluster"
            )));
        };
        let present = Some(PresentMember {
            member: known.member.clone(),
            clients: address.map(str::to_owned),
        });
        self.state.members_ever.insert(node, MemberEver { present });
        self.publish_members()
    }

    /// Brings the text up to date, and has nodes that are no members sign no more; writes nothing when all
    /// that is so. An entry that changes the members takes no zxid, so it does neither itself.
    pub(crate) fn publish_members(&mut self) -> Result<Reply, Refusal> {
        self.state.end_keys_of_others(self.now.log_time);
        if self.state.config_is_behind() {
            let path = ZnodePath::parse(path::CONFIG)?;
            let text = self.state.config_text(self.now.zxid);
            self.set_znode_data(&path, Some(Data::from(text)), None);
        }
        let version = self.state.config_version();
        Ok(Reply::MembersPublished { version })
    }
}
