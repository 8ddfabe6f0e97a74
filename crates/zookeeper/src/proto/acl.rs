//! Access control lists as they travel.

use std::ops::BitOr;

use bytes::BytesMut;

use super::jute::{DecodeError, Jute, Reader, record};

/// Permission bits (`ZooDefs.Perms`). Bits without a meaning are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Perms(pub i32);

impl Perms {
    /// Read data and list children.
    pub const READ: Perms = Perms(1);
    /// Change data.
    pub const WRITE: Perms = Perms(2);
    /// Create children.
    pub const CREATE: Perms = Perms(4);
    /// Delete children.
    pub const DELETE: Perms = Perms(8);
    /// Change the ACL.
    pub const ADMIN: Perms = Perms(16);
    /// All of them.
    pub const ALL: Perms = Perms(31);

    /// Whether every bit of `other` is set.
    #[must_use]
    pub const fn contains(self, other: Perms) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Perms {
    type Output = Perms;

    fn bitor(self, other: Perms) -> Perms {
        Perms(self.0 | other.0)
    }
}

impl Jute for Perms {
    const BYTES_MIN: usize = i32::BYTES_MIN;

    fn encode(&self, out: &mut BytesMut) {
        self.0.encode(out);
    }

    fn decode(from: &mut Reader) -> Result<Self, DecodeError> {
        i32::decode(from).map(Perms)
    }
}

record! {
    /// `Id`: an identity.
    pub struct Id {
        /// How it was proved: `world`, `auth`, `digest`, `ip`, `x509`, `sasl`.
        pub scheme: String,
        /// Who it is, in the terms of the scheme. kazoo sends null for the scheme `auth`.
        pub id: String,
    }
}

record! {
    /// `ACL`: what somebody may do.
    pub struct Acl {
        /// What.
        pub perms: Perms,
        /// Who.
        pub id: Id,
    }
}

impl Id {
    /// Everybody (`Ids.ANYONE_ID_UNSAFE`).
    #[must_use]
    pub fn anyone() -> Self {
        Id {
            scheme: "world".to_owned(),
            id: "anyone".to_owned(),
        }
    }
}

impl Acl {
    /// Everybody may do everything (the one entry of `Ids.OPEN_ACL_UNSAFE`).
    #[must_use]
    pub fn open() -> Self {
        Acl {
            perms: Perms::ALL,
            id: Id::anyone(),
        }
    }
}
