import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.nodes.GroupMember;

/** Who leads, and who is there. */
final class CuratorElections {
    private static final int CANDIDATES = 4;

    private CuratorElections() {}

    static void addTo(Main main) {
        main.add("LeaderLatch, whose leader leaves or is ended", CuratorElections::latch);
        main.add("LeaderSelector, everybody's turn", CuratorElections::selector);
        main.add("GroupMember", CuratorElections::group);
    }

    private static void latch() throws Exception {
        List<CuratorFramework> clients = new ArrayList<>();
        List<LeaderLatch> latches = new ArrayList<>();
        for (int at = 0; at < CANDIDATES; at++) {
            CuratorFramework client = Curators.open();
            LeaderLatch latch = new LeaderLatch(client, "/q-latch", "candidate " + at);
            latch.start();
            clients.add(client);
            latches.add(latch);
        }
        Check.eventually("four candidates", () -> latches.get(0).getParticipants().size() == CANDIDATES);
        LeaderLatch first = leaderOf(latches);
        latches.remove(first);
        first.close();
        LeaderLatch second = leaderOf(latches);
        CuratorFramework its = clients.get(Integer.parseInt(second.getId().substring("candidate ".length())));
        Nodes.endSession(Curators.session(its));
        Check.eventually("another leader, or the same in a new session",
                () -> latches.stream().filter(LeaderLatch::hasLeadership).count() == 1 && !endedStillLeads(latches));
        for (LeaderLatch latch : latches) {
            latch.close();
        }
        clients.forEach(CuratorFramework::close);
    }

    private static LeaderLatch leaderOf(List<LeaderLatch> latches) throws Exception {
        Check.eventually("a leader", () -> latches.stream().anyMatch(LeaderLatch::hasLeadership));
        List<LeaderLatch> leaders = latches.stream().filter(LeaderLatch::hasLeadership).toList();
        Check.equal(1, leaders.size(), "leaders");
        return leaders.get(0);
    }

    /** Whether whoever says that it leads is somebody else than the server's first in line. */
    private static boolean endedStillLeads(List<LeaderLatch> latches) throws Exception {
        LeaderLatch says = latches.stream().filter(LeaderLatch::hasLeadership).findFirst().orElseThrow();
        return !says.getLeader().getId().equals(says.getId());
    }

    private static void selector() throws Exception {
        AtomicInteger leading = new AtomicInteger();
        Set<Integer> led = new ConcurrentSkipListSet<>();
        Curators.crowd(CANDIDATES, (client, worker) -> {
            CountDownLatch done = new CountDownLatch(1);
            LeaderSelector selector = new LeaderSelector(client, "/q-selector", new LeaderSelectorListenerAdapter() {
                @Override
                public void takeLeadership(CuratorFramework ignored) {
                    boolean alone = leading.incrementAndGet() == 1;
                    Thread.yield();
                    alone &= leading.getAndDecrement() == 1;
                    if (alone) {
                        led.add(worker);
                    }
                    done.countDown();
                }
            });
            selector.start();
            Check.that(done.await(Check.WAIT.toSeconds(), TimeUnit.SECONDS), "candidate " + worker + " never led");
            selector.close();
        });
        Check.equal(CANDIDATES, led.size(), "candidates that led alone");
    }

    private static void group() throws Exception {
        try (CuratorFramework one = Curators.open(); CuratorFramework two = Curators.open();
                GroupMember first = new GroupMember(one, "/q-group", "first", "1".getBytes())) {
            first.start();
            GroupMember second = new GroupMember(two, "/q-group", "second");
            second.start();
            Check.eventually("two members", () -> first.getCurrentMembers().size() == 2);
            Nodes.endSession(Curators.session(two));
            Check.eventually("the second again, after its session was ended",
                    () -> second.getCurrentMembers().size() == 2 && first.getCurrentMembers().size() == 2);
            second.close();
            Check.eventually("one member", () -> first.getCurrentMembers().keySet().equals(Set.of("first")));
        }
    }
}
