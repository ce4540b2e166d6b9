package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.graft.checkpoint.InvalidInputException;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RankVariablesTest {
  @Test
  void torchrunSaysWhere() {
    Map<String, String> environment =
        Map.of(
            "RANK",
            "3",
            "WORLD_SIZE",
            "8",
            "LOCAL_WORLD_SIZE",
            "4",
            "MASTER_ADDR",
            "10.0.0.1",
            "MASTER_PORT",
            "29600");
    assertEquals(
        Optional.of(new RankVariables(3, 8, 4, "10.0.0.1", 29600)), RankVariables.of(environment));
  }

  @Test
  void slurmSaysWhere() {
    Map<String, String> environment =
        Map.of(
            "SLURM_PROCID", "1",
            "SLURM_STEP_NUM_TASKS", "2",
            "SLURM_LAUNCH_NODE_IPADDR", "10.0.0.7");
    assertEquals(
        Optional.of(new RankVariables(1, 2, 2, "10.0.0.7", 29500)), RankVariables.of(environment));
  }

  @Test
  void openMpiOnOneHostNeedsNoAddress() {
    Map<String, String> environment =
        Map.of(
            "OMPI_COMM_WORLD_RANK", "0",
            "OMPI_COMM_WORLD_SIZE", "2",
            "OMPI_COMM_WORLD_LOCAL_SIZE", "2");
    assertEquals(
        Optional.of(new RankVariables(0, 2, 2, "127.0.0.1", 29500)), RankVariables.of(environment));
  }

  @Test
  void oneProcessIsAlone() {
    assertEquals(Optional.empty(), RankVariables.of(Map.of()));
    assertEquals(Optional.empty(), RankVariables.of(Map.of("WORLD_SIZE", "1", "RANK", "0")));
  }

  @Test
  void whatIsMissingIsNamed() {
    assertSays("RANK is not", Map.of("WORLD_SIZE", "2"));
    assertSays("RANK is 2", Map.of("WORLD_SIZE", "2", "RANK", "2"));
    assertSays("RANK is 'x'", Map.of("WORLD_SIZE", "2", "RANK", "x"));
    assertSays(
        "MASTER_ADDR is not set",
        Map.of(
            "OMPI_COMM_WORLD_RANK", "0",
            "OMPI_COMM_WORLD_SIZE", "2",
            "OMPI_COMM_WORLD_LOCAL_SIZE", "1"));
  }

  private static void assertSays(String words, Map<String, String> environment) {
    String message =
        assertThrows(InvalidInputException.class, () -> RankVariables.of(environment)).getMessage();
    assertEquals(true, message.contains(words), message);
  }
}
