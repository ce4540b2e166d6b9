package dev.graft.page;

import dev.graft.events.Event;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Timelines of steps as the page's script reads them: columns per rank. */
final class TimelineData {
  /** Spans of a step that are drawn; the shortest of more are left out. */
  private static final int MOST = 4000;

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private TimelineData() {}

  static ArrayNode of(List<Event.Timeline> timelines) {
    ArrayNode json = JSON.arrayNode();
    // the last of a step that a resumed run took again
    for (int i = 0; i < timelines.size(); i++) {
      int step = timelines.get(i).step();
      if (timelines.subList(i + 1, timelines.size()).stream().noneMatch(t -> t.step() == step)) {
        json.add(of(timelines.get(i)));
      }
    }
    return json;
  }

  private static ObjectNode of(Event.Timeline timeline) {
    ObjectNode json = JSON.objectNode().put("step", timeline.step());
    ArrayNode tracks = json.putArray("tracks");
    double least = leastDrawn(timeline);
    for (Event.Track track : timeline.tracks()) {
      List<Event.Span> drawn =
          track.spans().stream().filter(span -> span.seconds() >= least).toList();
      ObjectNode row = tracks.addObject().put("rank", track.rank());
      ArrayNode kind = row.putArray("kind");
      ArrayNode name = row.putArray("name");
      drawn.forEach(span -> kind.add(span.kind()));
      drawn.forEach(span -> name.add(span.name()));
      row.set("start", PageNumbers.column(column(drawn, Event.Span::start), PageNumbers.FINE));
      row.set("seconds", PageNumbers.column(column(drawn, Event.Span::seconds), PageNumbers.FINE));
      row.set("shares", shares(track));
    }
    return json;
  }

  private static double leastDrawn(Event.Timeline timeline) {
    double[] sorted =
        timeline.tracks().stream()
            .flatMap(track -> track.spans().stream())
            .mapToDouble(Event.Span::seconds)
            .sorted()
            .toArray();
    return sorted.length <= MOST ? 0 : sorted[sorted.length - MOST];
  }

  private static double[] column(
      List<Event.Span> spans, java.util.function.ToDoubleFunction<Event.Span> value) {
    return spans.stream().mapToDouble(value).toArray();
  }

  /** Seconds of each kind; what lies inside of another span counts for the inner one only. */
  private static ObjectNode shares(Event.Track track) {
    List<String> kinds = track.spans().stream().map(Event.Span::kind).distinct().toList();
    double[] sums = new double[kinds.size()];
    List<Event.Span> open = new ArrayList<>();
    for (Event.Span span : track.spans()) {
      while (!open.isEmpty() && open.getLast().start() + open.getLast().seconds() <= span.start()) {
        open.removeLast();
      }
      if (!open.isEmpty()) {
        sums[kinds.indexOf(open.getLast().kind())] -= span.seconds();
      }
      sums[kinds.indexOf(span.kind())] += span.seconds();
      open.add(span);
    }
    ObjectNode json = JSON.objectNode();
    for (int k = 0; k < sums.length; k++) {
      json.set(kinds.get(k), PageNumbers.number(sums[k], PageNumbers.FINE));
    }
    return json;
  }
}
