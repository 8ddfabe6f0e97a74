import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.cache.NodeCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCache;
import org.apache.curator.framework.recipes.cache.TreeCache;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.nodes.PersistentTtlNode;
import org.apache.zookeeper.CreateMode;

/** Caches that must show what is in the tree, and znodes that must always be there. */
@SuppressWarnings("deprecation")
final class CuratorCaches {
    private static final int CHANGES = 300;
    private static final int NAMES = 12;

    private CuratorCaches() {}

    static void addTo(Main main) {
        main.add("CuratorCache", () -> follow("/q-cache", false));
        main.add("CuratorCache whose node is killed", () -> follow("/q-cache-killed", true));
        main.add("TreeCache whose node is killed", CuratorCaches::treeCache);
        main.add("NodeCache and PathChildrenCache whose node is killed", CuratorCaches::oldCaches);
        main.add("PersistentNode whose session is ended", CuratorCaches::persistentNode);
    }

    /** Random changes below a root, through a client of their own; returns what is there at the end. */
    private static Map<String, String> change(CuratorFramework client, String root, long seed) throws Exception {
        Random random = new Random(seed);
        Map<String, String> there = new TreeMap<>();
        for (int at = 0; at < CHANGES; at++) {
            String path = root + "/" + random.nextInt(NAMES);
            if (there.containsKey(path) && random.nextInt(3) == 0) {
                client.delete().forPath(path);
                there.remove(path);
            } else {
                String data = "v" + at;
                client.create().orSetData().forPath(path, data.getBytes());
                there.put(path, data);
            }
        }
        return there;
    }

    private static void follow(String root, boolean kill) throws Exception {
        try (CuratorFramework watching = Curators.open(); CuratorFramework writing = Curators.open(Nodes.one(2), Curators.LONG_TIMEOUT_MS)) {
            watching.create().forPath(root);
            try (CuratorCache cache = CuratorCache.build(watching, root)) {
                AtomicInteger events = new AtomicInteger();
                cache.listenable().addListener(CuratorCacheListener.builder().forAll((type, before, after) -> events.incrementAndGet()).build());
                cache.start();
                int node = kill ? nodeOtherThan(2, watching) : 0;
                Map<String, String> there = change(writing, root, 1);
                if (kill) {
                    Nodes.kill(node);
                    there = replace(writing, root, there);
                    Nodes.start(node);
                }
                Map<String, String> expected = there;
                Check.eventually(root + " in the cache", () -> shown(cache, root).equals(expected));
                Check.that(events.get() >= expected.size(), events + " events");
            }
        }
    }

    /** The watching client's node where that is not the writer's; else its client is moved by killing. */
    private static int nodeOtherThan(int node, CuratorFramework client) throws Exception {
        int at = Curators.node(client);
        if (at != node) {
            return at;
        }
        return node == 1 ? 3 : 1;
    }

    private static Map<String, String> replace(CuratorFramework client, String root, Map<String, String> there) throws Exception {
        for (String path : there.keySet()) {
            client.delete().forPath(path);
        }
        return change(client, root, 2);
    }

    private static Map<String, String> shown(CuratorCache cache, String root) {
        Map<String, String> shown = new TreeMap<>();
        cache.stream().filter(child -> !child.getPath().equals(root))
                .forEach(child -> shown.put(child.getPath(), new String(child.getData())));
        return shown;
    }

    private static void treeCache() throws Exception {
        try (CuratorFramework watching = Curators.open(Nodes.one(1), Curators.LONG_TIMEOUT_MS);
                CuratorFramework writing = Curators.open(Nodes.one(2), Curators.LONG_TIMEOUT_MS)) {
            writing.create().forPath("/q-tree");
            try (TreeCache cache = new TreeCache(watching, "/q-tree")) {
                cache.start();
                writing.create().creatingParentsIfNeeded().forPath("/q-tree/a/b/c", "1".getBytes());
                Check.eventually("c in the cache", () -> cache.getCurrentData("/q-tree/a/b/c") != null);
                Nodes.kill(1);
                writing.setData().forPath("/q-tree/a/b/c", "2".getBytes());
                writing.create().forPath("/q-tree/a/new");
                writing.create().forPath("/q-tree/gone");
                writing.delete().forPath("/q-tree/gone");
                Nodes.start(1);
                Check.eventually("the new data", () -> new String(cache.getCurrentData("/q-tree/a/b/c").getData()).equals("2"));
                Check.eventually("the new child", () -> cache.getCurrentChildren("/q-tree/a").containsKey("new"));
                writing.delete().deletingChildrenIfNeeded().forPath("/q-tree/a");
                Check.eventually("the end of it", () -> cache.getCurrentData("/q-tree/a") == null);
            }
        }
    }

    private static void oldCaches() throws Exception {
        try (CuratorFramework watching = Curators.open(Nodes.one(3), Curators.LONG_TIMEOUT_MS);
                CuratorFramework writing = Curators.open(Nodes.one(2), Curators.LONG_TIMEOUT_MS);
                NodeCache node = new NodeCache(watching, "/q-old");
                PathChildrenCache children = new PathChildrenCache(watching, "/q-old", true)) {
            writing.create().forPath("/q-old", "1".getBytes());
            node.start(true);
            children.start(PathChildrenCache.StartMode.BUILD_INITIAL_CACHE);
            Nodes.kill(3);
            writing.setData().forPath("/q-old", "2".getBytes());
            writing.create().forPath("/q-old/child", "1".getBytes());
            Nodes.start(3);
            Check.eventually("the new data", () -> new String(node.getCurrentData().getData()).equals("2"));
            Check.eventually("the child", () -> children.getCurrentData("/q-old/child") != null);
            writing.setData().forPath("/q-old/child", "2".getBytes());
            Check.eventually("its data", () -> new String(children.getCurrentData("/q-old/child").getData()).equals("2"));
        }
    }

    private static void persistentNode() throws Exception {
        try (CuratorFramework owning = Curators.open(); CuratorFramework other = Curators.open();
                PersistentNode node = new PersistentNode(owning, CreateMode.EPHEMERAL, false, "/q-always/here", "x".getBytes(), true);
                PersistentTtlNode ttl = new PersistentTtlNode(owning, "/q-always-ttl", 1000, new byte[0])) {
            node.start();
            ttl.start();
            Check.that(node.waitForInitialCreate(Check.WAIT.toSeconds(), java.util.concurrent.TimeUnit.SECONDS), "not made");
            Check.that(ttl.waitForInitialCreate(Check.WAIT.toSeconds(), java.util.concurrent.TimeUnit.SECONDS), "not made");
            // Another client may be connected to a node that is behind.
            Check.eventually("the znode", () -> other.checkExists().forPath("/q-always/here") != null);
            long first = other.checkExists().forPath("/q-always/here").getEphemeralOwner();
            Nodes.endSession(first);
            Check.eventually("the znode of a new session", () -> {
                var stat = other.checkExists().forPath("/q-always/here");
                return stat != null && stat.getEphemeralOwner() != first;
            });
            other.delete().forPath("/q-always/here");
            Check.eventually("the znode again", () -> other.checkExists().forPath("/q-always/here") != null);
        }
    }
}
