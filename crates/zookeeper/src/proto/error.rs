//! Error codes of replies (`KeeperException.Code`).

use bytes::BytesMut;

use super::jute::{DecodeError, Jute, Reader};

macro_rules! error_codes {
    ($($(#[$about:meta])* $variant:ident = $code:literal $name:literal,)*) => {
        /// How a request went: [`ErrorCode::Ok`], or why not.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$about])* $variant,)*
            /// A code this table does not have. Only [`ErrorCode::from_code`] makes it.
            Unknown(i32),
        }

        impl ErrorCode {
            /// Every code with a name.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The number on the wire.
            #[must_use]
            pub const fn code(self) -> i32 {
                match self {
                    $(ErrorCode::$variant => $code,)*
                    ErrorCode::Unknown(code) => code,
                }
            }

            /// The code a number on the wire stands for.
            #[must_use]
            pub const fn from_code(code: i32) -> Self {
                match code { $($code => ErrorCode::$variant,)* code => ErrorCode::Unknown(code) }
            }

            /// ZooKeeper's name for it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(ErrorCode::$variant => $name,)*
                    ErrorCode::Unknown(_) => "UNKNOWN",
                }
            }
        }
    };
}

error_codes! {
    /// It happened.
    Ok = 0 "OK",
    /// System errors: the server is to blame.
    SystemError = -1 "SYSTEMERROR",
    /// In a failed multi: an operation after the one that failed.
    RuntimeInconsistency = -2 "RUNTIMEINCONSISTENCY",
    /// Data inconsistent.
    DataInconsistency = -3 "DATAINCONSISTENCY",
    /// Connection lost. Made by clients.
    ConnectionLoss = -4 "CONNECTIONLOSS",
    /// The request could not be read.
    MarshallingError = -5 "MARSHALLINGERROR",
    /// No such operation here; the connection is closed after it.
    Unimplemented = -6 "UNIMPLEMENTED",
    /// Took too long. Made by clients.
    OperationTimeout = -7 "OPERATIONTIMEOUT",
    /// An argument is not valid.
    BadArguments = -8 "BADARGUMENTS",
    /// No such session.
    UnknownSession = -12 "UNKNOWNSESSION",
    /// No quorum of the new configuration is connected and up to date.
    NewConfigNoQuorum = -13 "NEWCONFIGNOQUORUM",
    /// Another reconfiguration is in progress.
    ReconfigInProgress = -14 "RECONFIGINPROGRESS",
    /// API errors: the client is to blame.
    ApiError = -100 "APIERROR",
    /// The znode does not exist.
    NoNode = -101 "NONODE",
    /// The identities of the connection do not permit it.
    NoAuth = -102 "NOAUTH",
    /// The version is not the expected one.
    BadVersion = -103 "BADVERSION",
    /// Ephemeral znodes have no children.
    NoChildrenForEphemerals = -108 "NOCHILDRENFOREPHEMERALS",
    /// The znode exists already.
    NodeExists = -110 "NODEEXISTS",
    /// The znode has children.
    NotEmpty = -111 "NOTEMPTY",
    /// The session has expired.
    SessionExpired = -112 "SESSIONEXPIRED",
    /// Invalid callback. Made by clients.
    InvalidCallback = -113 "INVALIDCALLBACK",
    /// The ACL is not valid.
    InvalidAcl = -114 "INVALIDACL",
    /// Authentication failed; the connection is closed after it.
    AuthFailed = -115 "AUTHFAILED",
    /// The session is attached to another server by now.
    SessionMoved = -118 "SESSIONMOVED",
    /// The server is read-only.
    NotReadOnly = -119 "NOTREADONLY",
    /// A local session cannot own ephemeral znodes.
    EphemeralOnLocalSession = -120 "EPHEMERALONLOCALSESSION",
    /// The connection has no such watch.
    NoWatcher = -121 "NOWATCHER",
    /// No answer in time. Made by clients.
    RequestTimeout = -122 "REQUESTTIMEOUT",
    /// Reconfiguration is switched off.
    ReconfigDisabled = -123 "RECONFIGDISABLED",
    /// The server insists on SASL; the connection is closed after it.
    SessionClosedRequireSaslAuth = -124 "SESSIONCLOSEDREQUIRESASLAUTH",
    /// A quota would be exceeded.
    QuotaExceeded = -125 "QUOTAEXCEEDED",
    /// The server is overloaded and did not begin.
    ThrottledOp = -127 "THROTTLEDOP",
}

impl Jute for ErrorCode {
    const BYTES_MIN: usize = i32::BYTES_MIN;

    fn encode(&self, out: &mut BytesMut) {
        self.code().encode(out);
    }

    fn decode(from: &mut Reader) -> Result<Self, DecodeError> {
        i32::decode(from).map(ErrorCode::from_code)
    }
}
