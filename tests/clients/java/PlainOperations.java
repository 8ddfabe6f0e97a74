import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.ClientInfo;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;

/** Operations of the plain client on a cluster that nothing happens to. */
final class PlainOperations {
    private static final int PIPELINED = 1000;
    /** So many names of this length are more than the megabyte that a request may have. */
    private static final int CHILDREN = 12_000;
    private static final int NAME_LENGTH = 100;
    private static final int BATCH = 1000;

    private PlainOperations() {}

    static void addTo(Main main) {
        main.add("creates of every mode", PlainOperations::creates);
        main.add("versions and refusals", PlainOperations::versions);
        main.add("transactions", PlainOperations::transactions);
        main.add("reads in one request", PlainOperations::multiRead);
        main.add("access lists and whoAmI", PlainOperations::accessLists);
        main.add("pipelined writes in order", PlainOperations::pipeline);
        main.add("children past a megabyte", PlainOperations::manyChildren);
        main.add("a write past the limit", PlainOperations::largeWrite);
    }

    private static Session open() throws Exception {
        return new Session(Nodes.all(), Session.LONG_TIMEOUT_MS);
    }

    private static void creates() throws Exception {
        try (Session session = open()) {
            session.create("/j-modes", CreateMode.PERSISTENT);
            Stat stat = new Stat();
            byte[] data = {1, 2, 3};
            String made = session.zk.create("/j-modes/s-", data, Ids.OPEN_ACL_UNSAFE,
                    CreateMode.PERSISTENT_SEQUENTIAL, stat);
            Check.equal("/j-modes/s-0000000000", made, "name");
            Check.equal(session.zk.exists(made, false), stat, "stat of a create and of exists");
            Check.equal(3, stat.getDataLength(), "length in the stat of a create");
            session.create("/j-modes/container", CreateMode.CONTAINER);
            Check.equal(0L, session.zk.exists("/j-modes/container", false).getEphemeralOwner(), "owner");
            session.zk.create("/j-modes/ttl", data, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL,
                    stat, 60_000);
            session.zk.create("/j-modes/t-", data, Ids.OPEN_ACL_UNSAFE,
                    CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL, stat, 60_000);
            session.create("/j-modes/e", CreateMode.EPHEMERAL);
            session.zk.create("/j-modes/null", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            Check.equal(null, session.zk.getData("/j-modes/null", false, null), "data that was never there");
            Check.equal(List.of("/j-modes/e"), session.zk.getEphemerals("/j-modes"), "ephemerals");
            Check.equal(6, session.zk.getAllChildrenNumber("/j-modes"), "znodes below");
            Check.equal(6, session.zk.exists("/j-modes", false).getNumChildren(), "children");
        }
    }

    private static void versions() throws Exception {
        try (Session session = open()) {
            session.create("/j-versions", CreateMode.PERSISTENT);
            Check.refused(Code.NODEEXISTS, () -> session.create("/j-versions", CreateMode.PERSISTENT));
            Check.refused(Code.NONODE, () -> session.create("/j-none/child", CreateMode.PERSISTENT));
            Check.equal(1, session.zk.setData("/j-versions", new byte[1], 0).getVersion(), "version");
            Check.refused(Code.BADVERSION, () -> session.zk.setData("/j-versions", new byte[1], 0));
            session.create("/j-versions/child", CreateMode.EPHEMERAL);
            Check.refused(Code.NOTEMPTY, () -> session.zk.delete("/j-versions", -1));
            Check.refused(Code.NOCHILDRENFOREPHEMERALS,
                    () -> session.create("/j-versions/child/x", CreateMode.PERSISTENT));
            session.zk.delete("/j-versions/child", 0);
            Check.refused(Code.BADVERSION, () -> session.zk.delete("/j-versions", 5));
            session.zk.delete("/j-versions", 1);
            Check.equal(null, session.zk.exists("/j-versions", false), "a deleted znode");
        }
    }

    private static void transactions() throws Exception {
        try (Session session = open()) {
            List<OpResult> results = session.zk.transaction()
                    .create("/j-multi", new byte[0], Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT)
                    .create("/j-multi/s-", new byte[0], Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_SEQUENTIAL)
                    .setData("/j-multi", new byte[1], 0)
                    .check("/j-multi", 1)
                    .commit();
            Check.equal("/j-multi/s-0000000000", ((OpResult.CreateResult) results.get(1)).getPath(), "path");
            try {
                session.zk.multi(List.of(Op.setData("/j-multi", new byte[2], 1), Op.delete("/j-multi", -1),
                        Op.delete("/j-multi/s-0000000000", -1)));
                throw new AssertionError("done, although it must be refused");
            } catch (KeeperException refusal) {
                Check.equal(Code.NOTEMPTY, refusal.code(), "refusal");
                List<Integer> errors = new ArrayList<>();
                for (OpResult result : refusal.getResults()) {
                    errors.add(((OpResult.ErrorResult) result).getErr());
                }
                Check.equal(List.of(0, Code.NOTEMPTY.intValue(), Code.RUNTIMEINCONSISTENCY.intValue()),
                        errors, "results");
            }
            Check.equal(1, session.zk.getData("/j-multi", false, null).length, "data after a refusal");
        }
    }

    private static void multiRead() throws Exception {
        try (Session session = open()) {
            session.zk.create("/j-reads", new byte[] {7}, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            session.create("/j-reads/child", CreateMode.PERSISTENT);
            List<OpResult> results = session.zk.multi(
                    List.of(Op.getData("/j-reads"), Op.getChildren("/j-reads"), Op.getData("/j-reads/none")));
            Check.equal((byte) 7, ((OpResult.GetDataResult) results.get(0)).getData()[0], "data");
            Check.equal(List.of("child"), ((OpResult.GetChildrenResult) results.get(1)).getChildren(), "children");
            Check.equal(Code.NONODE.intValue(), ((OpResult.ErrorResult) results.get(2)).getErr(), "error");
        }
    }

    private static void accessLists() throws Exception {
        try (Session owner = open(); Session stranger = open()) {
            owner.zk.addAuthInfo("digest", "holdfast:secret".getBytes(StandardCharsets.UTF_8));
            owner.zk.create("/j-private", new byte[0], Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
            stranger.sync();
            Check.refused(Code.NOAUTH, () -> stranger.zk.getData("/j-private", false, null));
            Check.refused(Code.NOAUTH, () -> stranger.zk.setACL("/j-private", Ids.OPEN_ACL_UNSAFE, -1));
            Stat stat = new Stat();
            List<ACL> list = owner.zk.getACL("/j-private", stat);
            Check.equal("digest", list.get(0).getId().getScheme(), "scheme");
            Check.refused(Code.INVALIDACL, () -> owner.zk.setACL("/j-private",
                    Collections.singletonList(new ACL(31, new Id("none", "x"))), -1));
            Check.equal(1, owner.zk.setACL("/j-private", Ids.READ_ACL_UNSAFE, 0).getAversion(), "aversion");
            stranger.sync();
            Check.equal(0, stranger.zk.getData("/j-private", false, null).length, "data");
            List<ClientInfo> identities = owner.zk.whoAmI();
            Check.that(identities.stream().anyMatch(one -> one.getAuthScheme().equals("digest")
                    && one.getUser().equals("holdfast")), "whoAmI: " + identities);
        }
    }

    private static void pipeline() throws Exception {
        try (Session session = open()) {
            session.create("/j-pipeline", CreateMode.PERSISTENT);
            AtomicInteger next = new AtomicInteger();
            AtomicReference<String> wrong = new AtomicReference<>();
            CountDownLatch answered = new CountDownLatch(2 * PIPELINED);
            for (int at = 1; at <= PIPELINED; at++) {
                int version = at;
                session.zk.setData("/j-pipeline", new byte[0], -1, (code, path, context, stat) -> {
                    if (code != 0 || next.incrementAndGet() != version || stat.getVersion() != version) {
                        wrong.compareAndSet(null, "write " + version + " was answered " + code + " as number " + next);
                    }
                    answered.countDown();
                }, null);
                session.zk.exists("/j-pipeline", false, (code, path, context, stat) -> {
                    if (code != 0 || stat.getVersion() < version) {
                        wrong.compareAndSet(null, "a read after write " + version + " shows " + stat.getVersion());
                    }
                    answered.countDown();
                }, null);
            }
            Check.that(answered.await(Check.WAIT.toSeconds(), TimeUnit.SECONDS), answered + " are missing");
            Check.equal(null, wrong.get(), "order");
        }
    }

    private static void manyChildren() throws Exception {
        try (Session session = open()) {
            session.create("/j-many", CreateMode.PERSISTENT);
            String prefix = "/j-many/" + "x".repeat(NAME_LENGTH - 5);
            for (int from = 0; from < CHILDREN; from += BATCH) {
                List<Op> creates = new ArrayList<>();
                for (int at = from; at < from + BATCH; at++) {
                    creates.add(Op.create(prefix + String.format("%05d", at), new byte[0],
                            Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT));
                }
                session.zk.multi(creates);
            }
            long id = session.zk.getSessionId();
            Check.equal(CHILDREN, session.zk.getChildren("/j-many", false).size(), "children");
            Check.equal(id, session.zk.getSessionId(), "session");
        }
    }

    /** ZooKeeper closes the connection of a frame past jute.maxbuffer; the session goes on. */
    private static void largeWrite() throws Exception {
        try (Session session = open()) {
            session.create("/j-large", CreateMode.PERSISTENT);
            session.zk.setData("/j-large", new byte[1_000_000], -1);
            long id = session.zk.getSessionId();
            Check.refused(Code.CONNECTIONLOSS, () -> session.zk.setData("/j-large", new byte[2_000_000], -1));
            Check.eventually("the data from before",
                    () -> session.zk.getData("/j-large", false, null).length == 1_000_000);
            Check.equal(id, session.zk.getSessionId(), "session");
        }
    }
}
