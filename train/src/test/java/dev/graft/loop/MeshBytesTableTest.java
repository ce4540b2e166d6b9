package dev.graft.loop;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.layout.ExpertScheme;
import dev.graft.layout.Mesh;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/** The table of docs/benchmarks.md says what the formulas give; this prints it. */
class MeshBytesTableTest {
  private static final int TOKENS = 4096;

  @Test
  void documentHoldsTheTable() throws IOException {
    List<String> rows = rows();
    rows.forEach(System.out::println);
    String document = Files.readString(Path.of("..", "docs", "benchmarks.md"));
    for (String row : rows) {
      assertTrue(document.contains(row), "docs/benchmarks.md lacks " + row);
    }
  }

  private static List<String> rows() {
    List<String> rows = new ArrayList<>();
    for (int ranks : new int[] {2, 4, 8}) {
      for (ExpertScheme scheme : List.of(ExpertScheme.EDP, ExpertScheme.EP, ExpertScheme.ETP)) {
        rows.add(row(new Mesh(1, ranks / 2, 2, scheme, true, 0)));
      }
    }
    return rows;
  }

  /** SmolLM2-135M as a mixture of 8, in f32: bytes of a token summed over its replica's ranks. */
  private static String row(Mesh mesh) {
    MeshBytes bytes = new MeshBytes(mesh, 1, 576, 1536, 49152, 8, 2, 9, 3, TOKENS, 4, 4);
    long tensor = 0;
    long dispatch = 0;
    for (int rank = 0; rank < 2; rank++) {
      tensor += 2 * bytes.projection(rank);
      tensor += bytes.expertsForward(rank) + bytes.expertsBackward(rank);
      long own = mesh.experts() == ExpertScheme.ETP ? TOKENS : TOKENS / 2;
      long far = 2 * own * (mesh.expertRanks() - 1) / mesh.expertRanks();
      dispatch += bytes.dispatch(far, far);
    }
    return String.format(
        Locale.ROOT,
        "| %d | %s, dp %d × tp 2 | %,d | %,d | %,d |",
        mesh.world(),
        mesh.experts().key(),
        mesh.dp(),
        dispatch / TOKENS,
        tensor / TOKENS,
        bytes.expertGradients(0));
  }
}
