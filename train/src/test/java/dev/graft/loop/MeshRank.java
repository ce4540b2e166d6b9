package dev.graft.loop;

import dev.graft.layout.PeerLostException;
import dev.graft.parallel.Introduction;
import dev.graft.parallel.Rendezvous;
import dev.graft.parallel.Team;
import dev.graft.parallel.Watch;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * One process that takes part in run after run: {@code RANK} as argument, then lines {@code PORT
 * SIZE FILE}, the file holding the recipe and, after a line of dashes, the overrides.
 */
final class MeshRank {
  private static final Duration PATIENT = Duration.ofSeconds(100);

  private MeshRank() {}

  static void main(String[] args) throws Exception {
    int rank = Integer.parseInt(args[0]);
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ", 3);
      try {
        System.out.println("done " + run(rank, words));
      } catch (Exception e) {
        System.out.println("failed " + e.getClass().getSimpleName() + ": " + e.getMessage());
      }
    }
  }

  private static String run(int rank, String[] words) throws Exception {
    String[] parts = Files.readString(Path.of(words[2])).split("----\n", -1);
    Recipe recipe = RecipeReader.read("recipe.yaml", parts[0], parts[1].lines().toList());
    int port = Integer.parseInt(words[0]);
    int size = Integer.parseInt(words[1]);
    try (Rendezvous rendezvous =
        rank == 0
            ? Rendezvous.serve("127.0.0.1", port, PATIENT)
            : Rendezvous.connect("127.0.0.1", port, PATIENT)) {
      if (rank == 0) {
        System.out.println("port " + rendezvous.port());
      }
      Introduction own = new Introduction("test", RecipeReader.print(recipe).hashCode() + "");
      try (Watch _ = rendezvous.meet(rank, size, own, MeshRank::lost);
          Team team = Team.join(rendezvous, recipe.parallel().mesh(), rank)) {
        Trainer.Result result = new Trainer(recipe, RunListener.SILENT, team).run(true);
        team.world().barrier();
        return List.of(result.step(), result.optimizerBytes()).toString();
      }
    }
  }

  private static void lost(PeerLostException lost) {
    System.out.println("failed " + lost.getMessage());
    Runtime.getRuntime().halt(1);
  }
}
