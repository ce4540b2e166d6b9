package dev.graft.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClusterReaderTest {
  private static final String TWO_KINDS =
      """
      name: mixed
      devices:
        - {name: A, count: 2, memory: 80e9, peak: {bf16: 312e12}, memory_bandwidth: 2e12}
        - {name: B, count: 2, memory: 24e9, peak: {bf16: 165e12, fp8: 330e12}, memory_bandwidth: 1e12, achievable: 0.7}
      node_size: 2
      inside: {bandwidth: 300e9, latency: 3e-6}
      between: {bandwidth: 25e9, latency: 8e-6}
      """;

  @Test
  void everyNamedClusterCanBeRead() throws IOException {
    for (String name : ClusterReader.NAMES) {
      assertTrue(ClusterReader.read(name).size() > 0, name);
    }
    Cluster skywork = ClusterReader.read("a800x1536");
    assertEquals(1536, skywork.size());
    assertEquals(312e12, skywork.device(1535).peak(ComputeType.BF16));
  }

  @Test
  void devicesMayDiffer(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("mixed.yaml"), TWO_KINDS);
    Cluster mixed = ClusterReader.read(file.toString());
    assertEquals("A", mixed.device(1).name());
    assertEquals("B", mixed.device(2).name());
    assertEquals(0.7, mixed.device(3).achievable().orElseThrow());
    assertThrows(InvalidInputException.class, () -> mixed.resized(8));
    var wrong =
        assertThrows(InvalidInputException.class, () -> mixed.device(0).peak(ComputeType.FP8));
    assertTrue(wrong.getMessage().contains("peak.fp8"), wrong.getMessage());
  }

  private static void refused(String yaml, String part) {
    var wrong =
        assertThrows(
            InvalidInputException.class, () -> ClusterReader.of(Fields.parse("c.yaml", yaml)));
    assertTrue(wrong.getMessage().contains(part), wrong.getMessage());
  }

  @Test
  void aBandwidthThatIsMissingOrNegativeIsRefusedByName() {
    refused(TWO_KINDS.replace("bandwidth: 25e9, ", ""), "c.yaml: between.bandwidth is missing");
    refused(TWO_KINDS.replace("bandwidth: 300e9", "bandwidth: -300e9"), "inside.bandwidth is -");
    refused(
        TWO_KINDS.replace("memory_bandwidth: 1e12", "memory_bandwidth: fast"),
        "devices[1].memory_bandwidth is 'fast'");
    refused(TWO_KINDS.replace("count: 2", "count: 1.5"), "whole number");
    refused(TWO_KINDS.replace("node_size", "nodesize"), "nodesize is not known");
    refused(TWO_KINDS.replace("0.7", "1.7"), "achievable is above 1");
    refused("devices: []", "must be a list");
    refused("- a", "mapping");
  }

  @Test
  void aClusterThatDoesNotExistIsRefusedWithTheNames() {
    var wrong = assertThrows(InvalidInputException.class, () -> ClusterReader.read("tpu"));
    assertTrue(wrong.getMessage().contains("a800"), wrong.getMessage());
  }
}
