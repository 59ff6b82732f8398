/// What one thread that builds a graph works with.
final class GraphWorker {
    let walk = GraphWalk()
    let selection = NeighbourSelection()
    var met = VisitedSet()

    deinit { met.deallocate() }
}
