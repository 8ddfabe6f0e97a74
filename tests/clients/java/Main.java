import java.util.LinkedHashMap;
import java.util.Map;

/** Java's clients, unmodified, against three nodes: `Main plain|curator [PART OF A SCENARIO'S NAME]`. */
public final class Main {
    private final Map<String, Check.Action> scenarios = new LinkedHashMap<>();

    void add(String name, Check.Action action) {
        scenarios.put(name, action);
    }

    private void addPlain() {
        PlainOperations.addTo(this);
        PlainWatches.addTo(this);
        PlainReconnect.addTo(this);
    }

    private void addCurator() {
        CuratorFrameworkScenarios.addTo(this);
        CuratorCaches.addTo(this);
        CuratorLocks.addTo(this);
        CuratorElections.addTo(this);
        CuratorCollections.addTo(this);
        CuratorUnderFaults.addTo(this);
    }

    private int run(String client, String filter) {
        int failed = 0;
        int passed = 0;
        for (Map.Entry<String, Check.Action> scenario : scenarios.entrySet()) {
            if (!scenario.getKey().contains(filter)) {
                continue;
            }
            long began = System.nanoTime();
            System.out.println(client + ": " + scenario.getKey());
            try {
                scenario.getValue().run();
                passed++;
                System.out.printf("%s: ok, %.1f s%n", client, (System.nanoTime() - began) / 1e9);
            } catch (Exception | AssertionError error) {
                failed++;
                System.out.println(client + ": FAILED: " + scenario.getKey());
                error.printStackTrace();
            }
        }
        System.out.printf("%s: %d scenarios passed, %d failed%n", client, passed, failed);
        return failed == 0 && passed > 0 ? 0 : 1;
    }

    public static void main(String[] arguments) {
        Main main = new Main();
        if (arguments[0].equals("plain")) {
            main.addPlain();
        } else {
            main.addCurator();
        }
        System.exit(main.run(arguments[0], arguments.length > 1 ? arguments[1] : ""));
    }
}
